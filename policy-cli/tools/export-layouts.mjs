#!/usr/bin/env node
// forge's out/ -> policy-cli/src/simulate/layouts.json: which variable stands in which slot, for `quorate simulate`.
// usage (in the repository root, after `forge build --extra-output storageLayout`): policy-cli/tools/export-layouts.mjs NAME...
import fs from 'node:fs'
const out = process.env.FOUNDRY_OUT ?? 'out'
const layouts = {}
for (const name of process.argv.slice(2).sort()) {
  const { storage, types } = JSON.parse(fs.readFileSync(`${out}/${name}.sol/${name}.json`)).storageLayout
  const type = ({ encoding, numberOfBytes, label, key, value, members }) => ({
    encoding,
    bytes: Number(numberOfBytes),
    label: label.replace(/^struct \w+\./, 'struct ').replace(/^contract /, ''),
    ...(key && { key: types[key].label }),
    ...(value && { value }),
    ...(members && { members: members.map(variable) }),
  })
  const variable = ({ label, slot, offset, type }) => ({ label, slot: Number(slot), offset, type })
  const ids = Object.keys(types ?? {}).sort()
  layouts[name] = {
    storage: storage.map(variable),
    types: Object.fromEntries(ids.map(id => [id, type(types[id])])),
  }
}
// Type ids hold numbers of the syntax tree, which change with every other contract.
const text = JSON.stringify(layouts, null, 1)
  .replace(/\)\d+_storage/g, ')_storage')
  .replace(/(t_(?:contract|enum|userDefinedValueType)\([^)]*\))\d+/g, '$1')
fs.writeFileSync('policy-cli/src/simulate/layouts.json', text + '\n')
