#!/usr/bin/env node
// forge's out/ -> small, stable, committed artefacts: NAME.json (ABI, creation and deployed code, hash of each source) and
// NAME.input.json (the smallest standard-JSON input that gives the same code). Beside DEST, in metadata/NAME.json, the compiler's
// metadata, byte for byte: its IPFS hash stands at the end of the code; and in layout/NAME.txt, its storage.
// usage (in the repository root, after `forge build --force --build-info --extra-output storageLayout`): contracts/tools/export-artifacts.mjs DEST NAME...
import fs from 'node:fs'
import path from 'node:path'
const [dest, ...names] = process.argv.slice(2)
const out = process.env.FOUNDRY_OUT ?? 'out'
const infos = fs.readdirSync(`${out}/build-info`).map(f => JSON.parse(fs.readFileSync(`${out}/build-info/${f}`)))
const stable = v => Array.isArray(v) ? v.map(stable)
  : v && typeof v === 'object' ? Object.fromEntries(Object.keys(v).sort().map(k => [k, stable(v[k])])) : v
const write = (f, v) => fs.writeFileSync(path.join(dest, f), JSON.stringify(stable(v), null, 1) + '\n')
const metadata = path.join(dest, '..', 'metadata')
for (const folder of [dest, metadata]) fs.mkdirSync(folder, { recursive: true })
const keep = new Set()
for (const name of names) {
  const a = JSON.parse(fs.readFileSync(`${out}/${name}.sol/${name}.json`))
  const meta = a.metadata
  const [[file, contract]] = Object.entries(meta.settings.compilationTarget)
  if (contract !== name) throw new Error(`${file}: ${contract} is not ${name}`)
  const sources = {}
  for (const s of Object.keys(meta.sources)) {
    const bi = infos.find(b => b.input.sources[s])
    if (!bi) throw new Error(`no build info holds ${s}: run forge build --force --build-info`)
    sources[s] = { content: bi.input.sources[s].content }
  }
  const bi = infos.find(b => b.input.sources[file])
  write(`${name}.json`, {
    contractName: name, sourceName: file, compiler: meta.compiler.version,
    settings: { evmVersion: meta.settings.evmVersion, optimizer: meta.settings.optimizer, viaIR: meta.settings.viaIR ?? false },
    sources: Object.fromEntries(Object.entries(meta.sources).map(([k, v]) => [k, v.keccak256])),
    abi: a.abi,
    bytecode: { object: a.bytecode.object },
    deployedBytecode: { object: a.deployedBytecode.object, immutableReferences: a.deployedBytecode.immutableReferences ?? {} },
  })
  write(`${name}.input.json`, {
    language: 'Solidity', sources,
    settings: { ...bi.input.settings, outputSelection: { [file]: { [name]: ['abi', 'metadata', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'evm.deployedBytecode.immutableReferences'] } } },
  })
  keep.add(`${name}.json`).add(`${name}.input.json`)
  fs.writeFileSync(path.join(metadata, `${name}.json`), a.rawMetadata)
}
// Where each contract keeps what: one line a slot, structs below. The numbers of the compiler's syntax tree say nothing and are cut.
const layouts = path.join(path.dirname(dest), 'layout')
fs.rmSync(layouts, { recursive: true, force: true })
fs.mkdirSync(layouts)
const bare = type => type.replace(/\)\d+_/g, ')_').replace(/\)\d+$/g, ')')
const lines = members => members.map(m => `${String(m.slot).padStart(3)} ${String(m.offset).padStart(2)}  ${bare(m.type)} ${m.label}`)
for (const name of names) {
  const { storage, types } = JSON.parse(fs.readFileSync(`${out}/${name}.sol/${name}.json`)).storageLayout
  if (!storage.length) continue
  const structs = Object.entries(types ?? {}).filter(([, t]) => t.members).map(([id, t]) => [bare(id), ...lines(t.members)].join('\n')).sort()
  fs.writeFileSync(path.join(layouts, `${name}.txt`), [lines(storage).join('\n'), ...structs].join('\n\n') + '\n')
}
for (const f of fs.readdirSync(dest)) if (!keep.has(f)) fs.rmSync(path.join(dest, f))
for (const f of fs.readdirSync(metadata)) if (!keep.has(f)) fs.rmSync(path.join(metadata, f))
