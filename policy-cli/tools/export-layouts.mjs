#!/usr/bin/env node
// contracts/artifacts/NAME.input.json -> policy-cli/src/simulate/layouts.json: which variable stands in which slot.
// usage (in the repository root, after script/export-artifacts): policy-cli/tools/export-layouts.mjs
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
const dir = 'contracts/artifacts'
const layouts = {}
for (const file of fs.readdirSync(dir).filter(f => f.endsWith('.input.json')).sort()) {
  const name = file.slice(0, -'.input.json'.length)
  const input = JSON.parse(fs.readFileSync(`${dir}/${file}`))
  const source = Object.keys(input.settings.outputSelection)[0]
  input.settings.outputSelection = { [source]: { [name]: ['storageLayout'] } }
  input.settings.viaIR = false
  input.settings.optimizer = { enabled: false }
  const out = JSON.parse(execFileSync('contracts/tools/solc', ['--standard-json'], { input: JSON.stringify(input), maxBuffer: 1 << 28 }))
  const errors = (out.errors ?? []).filter(e => e.severity === 'error')
  if (errors.length) throw new Error(errors[0].formattedMessage)
  const { storage, types } = out.contracts[source][name].storageLayout
  const type = id => {
    const t = types[id]
    const clean = t.label.replace(/^struct \w+\./, 'struct ').replace(/^contract /, '')
    const result = { encoding: t.encoding, bytes: Number(t.numberOfBytes), label: clean }
    if (t.key) result.key = types[t.key].label
    if (t.value) result.value = t.value
    if (t.base) result.base = t.base
    if (t.members) result.members = t.members.map(m => ({ label: m.label, slot: Number(m.slot), offset: m.offset, type: m.type }))
    return result
  }
  layouts[name] = {
    storage: storage.map(s => ({ label: s.label, slot: Number(s.slot), offset: s.offset, type: s.type })),
    types: Object.fromEntries(Object.keys(types ?? {}).sort().map(id => [id, type(id)])),
  }
}
// Type ids hold AST numbers, which change with every compilation: number them anew.
let text = JSON.stringify(layouts, null, 1)
text = text.replace(/\)\d+_storage/g, ')_storage').replace(/(t_(?:contract|enum|userDefinedValueType)\([^)]*\))\d+/g, '$1')
fs.writeFileSync('policy-cli/src/simulate/layouts.json', text + '\n')
