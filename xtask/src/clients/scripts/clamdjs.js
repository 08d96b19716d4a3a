// npm `clamdjs`: over TCP.
const clamd = require('clamdjs');
const fs = require('fs');
const assert = require('assert');

// Milliseconds; what it takes when nothing is said is little on a machine that has other things to do.
const patience = 300000;

const [, port, clean, infected, name] = process.argv.slice(2);

async function main() {
    assert.strictEqual(await clamd.ping('127.0.0.1', Number(port), patience), true);
    assert.match(await clamd.version('127.0.0.1', Number(port), patience), /^ClamAV /);
    const scanner = clamd.createScanner('127.0.0.1', Number(port));
    const plain = (text) => text.replace(/\0$/, '');
    assert.strictEqual(plain(await scanner.scanFile(clean, patience)), 'stream: OK');
    assert.strictEqual(plain(await scanner.scanFile(infected, patience)), `stream: ${name} FOUND`);
    assert.strictEqual(plain(await scanner.scanBuffer(fs.readFileSync(infected), patience)), `stream: ${name} FOUND`);
    assert.strictEqual(plain(await scanner.scanStream(fs.createReadStream(infected), patience)), `stream: ${name} FOUND`);
    console.log('ping version stream; tcp');
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
