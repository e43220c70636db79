// Speaks the official client for a test: reads one JSON line {service, method, parameters} after the
// other and answers each with one line ANSWER {result} or {error}. The client itself is untouched.
'use strict'
const path = require('path')
const readline = require('readline')

const modules = process.env.SDK_MODULES
const JDCloud = require(path.join(modules, 'jdcloud-sdk-js'))
const endpoint = new URL(process.env.SDK_ENDPOINT)
const configuration = () => ({
  credentials: {
    accessKeyId: process.env.SDK_ACCESS_KEY,
    secretAccessKey: process.env.SDK_SECRET_KEY
  },
  endpoint: { protocol: endpoint.protocol.replace(':', ''), host: endpoint.host },
  regionId: 'local'
})
const services = { ag: JDCloud.AG, lb: JDCloud.LB, vpc: JDCloud.VPC, vm: JDCloud.VM }

async function call ({ service, method, parameters }) {
  const client = new services[service](configuration())
  if (typeof client[method] !== 'function') return { missing: `${service}.${method}` }
  try {
    const answer = await client[method](parameters, 'local')
    return { requestId: answer.requestId, result: answer.result }
  } catch (error) {
    if (error instanceof Error && !error.error) return { crash: String(error.stack) }
    return { requestId: error.requestId, error: error.error }
  }
}

async function main () {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    // The client writes what it does to the same place.
    process.stdout.write('ANSWER ' + JSON.stringify(await call(JSON.parse(line))) + '\n')
  }
}

main()
