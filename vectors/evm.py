"""A small EVM for views: enough of the Yellow Paper and of the EIPs up to Osaka to run a contract's view over known state.

Plain Python, written from the specifications. Writes, logs and creations end a frame, as they do in a static call. What is left
out ends the whole run, so that no frame can take it for a failure: precompiles, block hashes, blobs, CALLCODE, calls deeper than
64. Gas is not counted (GAS answers a constant): a view that depends on what it costs is judged by the Rust verifier alone.
"""

import functools

WORD = 1 << 256
SIGN = 1 << 255
GAS_ANSWER = 10_000_000
MAX_STEPS = 2_000_000
PRECOMPILES = {*range(1, 0x12), 0x100}


class Halt(Exception):
    """The frame ends without an answer."""


class LeftOut(Exception):
    """The run needs what is not here."""


class Revert(Exception):
    def __init__(self, data):
        super().__init__("reverted")
        self.data = data


def signed(value):
    return value - WORD if value & SIGN else value


class Evm:
    """`state` answers code(address), slot(address, key), account(address); `block` holds number, time and so on."""

    def __init__(self, state, block, chain_id, keccak):
        self.state, self.block, self.chain_id, self.keccak = state, block, chain_id, keccak
        self.steps, self.origin = 0, bytes(20)

    def view(self, to, data, caller=bytes(20)):
        self.origin = caller
        return self.run(self.state.code(to), to, caller, data, 0)

    def run(self, code, self_address, caller, data, depth):
        if depth > 64:
            raise LeftOut("depth")
        stack, memory, pc, returned = [], bytearray(), 0, b""
        jumps = jump_destinations(code)

        def pop():
            if not stack:
                raise Halt("stack")
            return stack.pop()

        def push(value):
            stack.append(value % WORD)

        def touch(start, size):
            if size and start + size > 1 << 22:
                raise Halt("memory")
            if size and len(memory) < start + size:
                memory.extend(bytes((start + size + 31) // 32 * 32 - len(memory)))

        def load(start, size):
            touch(start, size)
            return bytes(memory[start : start + size]) if size else b""

        def store(start, content):
            touch(start, len(content))
            memory[start : start + len(content)] = content

        def part(source, start, size):
            cut = source[start : start + size] if start < len(source) else b""
            return cut + bytes(size - len(cut))

        while pc < len(code):
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise Halt("steps")
            op = code[pc]
            pc += 1
            if 0x5F <= op <= 0x7F:  # PUSH0 to PUSH32
                size = op - 0x5F
                push(int.from_bytes(part(code, pc, size), "big"))
                pc += size
            elif 0x80 <= op <= 0x8F:
                if len(stack) < op - 0x7F:
                    raise Halt("stack")
                stack.append(stack[-(op - 0x7F)])
            elif 0x90 <= op <= 0x9F:
                depth_in = op - 0x8F
                if len(stack) <= depth_in:
                    raise Halt("stack")
                stack[-1], stack[-1 - depth_in] = stack[-1 - depth_in], stack[-1]
            elif op in ARITHMETIC:
                push(ARITHMETIC[op](pop(), pop()))
            elif op in (0x08, 0x09):  # ADDMOD, MULMOD
                left, right, modulus = pop(), pop(), pop()
                total = left + right if op == 0x08 else left * right
                push(total % modulus if modulus else 0)
            elif op == 0x15:
                push(pop() == 0)
            elif op == 0x19:
                push(~pop())
            elif op == 0x1E:  # CLZ, EIP-7939
                push(256 - pop().bit_length())
            elif op == 0x00:
                return b""
            elif op == 0x20:
                start, size = pop(), pop()
                push(int.from_bytes(self.keccak(load(start, size)), "big"))
            elif op == 0x30:
                push(int.from_bytes(self_address, "big"))
            elif op == 0x31:
                push(self.state.account(address(pop()))["balance"])
            elif op in (0x32, 0x33):  # ORIGIN, the caller of the outermost frame, and CALLER
                push(int.from_bytes(self.origin if op == 0x32 else caller, "big"))
            elif op == 0x34 or op == 0x3A:
                push(0)
            elif op == 0x35:
                push(int.from_bytes(part(data, pop(), 32), "big"))
            elif op == 0x36:
                push(len(data))
            elif op in (0x37, 0x39, 0x3E):
                to, start, size = pop(), pop(), pop()
                source = {0x37: data, 0x39: code, 0x3E: returned}[op]
                if op == 0x3E and start + size > len(source):
                    raise Halt("return data")
                if size > 1 << 22:
                    raise Halt("memory")
                store(to, part(source, start, size))
            elif op == 0x38:
                push(len(code))
            elif op == 0x3B:
                push(len(self.state.code(address(pop()))))
            elif op == 0x3C:
                of, to, start, size = address(pop()), pop(), pop(), pop()
                if size > 1 << 22:
                    raise Halt("memory")
                store(to, part(self.state.code(of), start, size))
            elif op == 0x3D:
                push(len(returned))
            elif op == 0x3F:
                push(self.state.account(address(pop()))["hash"])
            elif op == 0x46:
                push(self.chain_id)
            elif op == 0x47:
                push(self.state.account(self_address)["balance"])
            elif op in BLOCK:
                push(self.block[BLOCK[op]])
            elif op == 0x50:
                pop()
            elif op == 0x51:
                push(int.from_bytes(load(pop(), 32), "big"))
            elif op == 0x52:
                at, value = pop(), pop()
                store(at, value.to_bytes(32, "big"))
            elif op == 0x53:
                at, value = pop(), pop()
                store(at, bytes([value & 0xFF]))
            elif op == 0x54:
                push(self.state.slot(self_address, pop()))
            elif op == 0x56 or op == 0x57:
                target = pop()
                if op == 0x56 or pop():
                    if target not in jumps:
                        raise Halt("jump")
                    pc = target
            elif op == 0x58:
                push(pc - 1)
            elif op == 0x59:
                push(len(memory))
            elif op == 0x5A:
                push(GAS_ANSWER)
            elif op == 0x5B:
                pass
            elif op == 0x5C:
                pop()
                push(0)  # nothing was stored in this transaction
            elif op == 0x5E:
                to, start, size = pop(), pop(), pop()
                store(to, load(start, size))
            elif op in (0xF1, 0xF4, 0xFA):  # CALL, DELEGATECALL, STATICCALL
                pop()
                of = address(pop())
                if op == 0xF1 and pop():
                    raise Halt("value in a view")
                start, size, to, room = pop(), pop(), pop(), pop()
                given = load(start, size)
                touch(to, room)
                if int.from_bytes(of, "big") in PRECOMPILES:
                    raise LeftOut("precompile")
                try:
                    if op == 0xF4:
                        returned = self.run(self.state.code(of), self_address, caller, given, depth + 1)
                    else:
                        returned = self.run(self.state.code(of), of, self_address, given, depth + 1)
                    success = 1
                except Revert as revert:
                    returned, success = revert.data, 0
                except Halt:
                    returned, success = b"", 0
                cut = returned[:room]
                memory[to : to + len(cut)] = cut
                push(success)
            elif op == 0xF3:
                start, size = pop(), pop()
                return load(start, size)
            elif op == 0xFD:
                start, size = pop(), pop()
                raise Revert(load(start, size))
            elif op in (0x40, 0x49, 0x4A, 0xF2):  # BLOCKHASH, BLOBHASH, BLOBBASEFEE, CALLCODE
                raise LeftOut(f"instruction {op:#x}")
            else:
                raise Halt(f"instruction {op:#x}")
            if len(stack) > 1024:
                raise Halt("stack")
        return b""


def address(word):
    return (word % (1 << 160)).to_bytes(20, "big")


@functools.lru_cache(maxsize=64)
def jump_destinations(code):
    found, at = set(), 0
    while at < len(code):
        if code[at] == 0x5B:
            found.add(at)
        at += code[at] - 0x5E if 0x60 <= code[at] <= 0x7F else 1
    return found


def _sdiv(left, right):
    if not right:
        return 0
    left, right = signed(left), signed(right)
    quotient = abs(left) // abs(right)
    return -quotient if (left < 0) != (right < 0) else quotient


def _smod(left, right):
    if not right:
        return 0
    left, right = signed(left), signed(right)
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def _signextend(size, value):
    if size > 30:
        return value
    bits = 8 * (size + 1)
    value %= 1 << bits
    return value - (1 << bits) if value >> (bits - 1) else value


ARITHMETIC = {
    0x01: lambda a, b: a + b,
    0x02: lambda a, b: a * b,
    0x03: lambda a, b: a - b,
    0x04: lambda a, b: a // b if b else 0,
    0x05: _sdiv,
    0x06: lambda a, b: a % b if b else 0,
    0x07: _smod,
    0x0A: lambda a, b: pow(a, b, WORD),
    0x0B: _signextend,
    0x10: lambda a, b: a < b,
    0x11: lambda a, b: a > b,
    0x12: lambda a, b: signed(a) < signed(b),
    0x13: lambda a, b: signed(a) > signed(b),
    0x14: lambda a, b: a == b,
    0x16: lambda a, b: a & b,
    0x17: lambda a, b: a | b,
    0x18: lambda a, b: a ^ b,
    0x1A: lambda a, b: b >> (248 - 8 * a) & 0xFF if a < 32 else 0,
    0x1B: lambda a, b: b << a if a < 256 else 0,
    0x1C: lambda a, b: b >> a if a < 256 else 0,
    0x1D: lambda a, b: signed(b) >> min(a, 255),
}

BLOCK = {0x41: "beneficiary", 0x42: "time", 0x43: "number", 0x44: "randao", 0x45: "gas_limit", 0x48: "base_fee"}
