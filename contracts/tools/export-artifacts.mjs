#!/usr/bin/env node
// forge's out/ -> small, stable, committed artefacts: NAME.json (ABI, creation and deployed code, hash of each source) and
// NAME.input.json (the smallest standard-JSON input that gives the same code). Beside DEST, in metadata/NAME.json, the compiler's
// metadata, byte for byte: its IPFS hash stands at the end of the code.
// usage (in the repository root, after `forge build --force --build-info`): contracts/tools/export-artifacts.mjs DEST NAME...
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
for (const f of fs.readdirSync(dest)) if (!keep.has(f)) fs.rmSync(path.join(dest, f))
for (const f of fs.readdirSync(metadata)) if (!keep.has(f)) fs.rmSync(path.join(metadata, f))
