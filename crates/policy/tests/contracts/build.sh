#!/usr/bin/env bash
# Compiles Probe.sol and writes each contract's creation code as hex beside it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
cd "$root/contracts"
node - "$here" <<'JS'
const fs = require('node:fs'), { execFileSync } = require('node:child_process')
const here = process.argv[2]
const input = {
  language: 'Solidity',
  sources: { 'Probe.sol': { content: fs.readFileSync(`${here}/Probe.sol`, 'utf8') } },
  settings: { remappings: ['@openzeppelin/=node_modules/@openzeppelin/'], evmVersion: 'osaka', optimizer: { enabled: true, runs: 200 }, viaIR: true,
    metadata: { appendCBOR: false, bytecodeHash: 'none' }, outputSelection: { 'Probe.sol': { '*': ['evm.bytecode.object'] } } }
}
const out = JSON.parse(execFileSync('tools/solc', ['--standard-json', '--base-path', '.'], { input: JSON.stringify(input) }))
const errors = (out.errors || []).filter(e => e.severity === 'error')
if (errors.length) { console.error(errors.map(e => e.formattedMessage).join('\n')); process.exit(1) }
for (const [name, contract] of Object.entries(out.contracts['Probe.sol'])) {
  fs.writeFileSync(`${here}/${name}.hex`, contract.evm.bytecode.object + '\n')
}
JS
