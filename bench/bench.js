// bench.js CASE NAME=VALUE ...
//
// Cases of bench/cases.tcl in Node, with the same output as bench.tcl has:
// "RESULT key value ...". The case "web" is a server for bench/run.tcl: it
// serves the file "page" and prints "listening on ADDRESS PORT".
//
// seconds=2   how long to measure
// page=       the file that the web server sends
'use strict';
const fs = require('fs');
const http = require('http');
const net = require('net');

const host = '127.0.0.1';
const param = { seconds: '2', page: '' };

// Wine has no pipe that Node can write to, so the output is a file.
function print(line) {
    fs.writeSync(1, `${line}\n`);
}

function listen(server, then) {
    server.listen(0, host, () => then(server.address().port));
}

// Counts operations, and ends the process after the time.
class Meter {
    constructor(bytes) {
        this.bytes = bytes;
        this.ops = 0;
        this.begin = process.hrtime.bigint();
        this.lengthNs = BigInt(Math.round(Number(param.seconds) * 1e9));
    }

    count() {
        this.ops += 1;
        const ns = process.hrtime.bigint() - this.begin;
        if (ns >= this.lengthNs) {
            this.print(Number(ns) / 1000);
            process.exit(0);
        }
    }

    print(us) {
        if (this.bytes) {
            const mibs = this.ops * (this.bytes / 1048576) / (us / 1e6);
            print(`RESULT ops ${this.ops} mibs ${mibs}`);
        } else {
            const perSecond = this.ops / (us / 1e6);
            print(`RESULT ops ${this.ops} us ${us / this.ops}` +
                (this.connects ? ` perSecond ${perSecond}` : ''));
        }
    }
}

// ----------------------------------------------------------------- cases

// Round trips of a byte, on connections with one outstanding each. Each
// connection has had an answer before the measurement begins.
function roundTrips(connections) {
    const echo = net.createServer((socket) => {
        socket.on('data', (bytes) => socket.write(bytes));
    });
    listen(echo, (port) => {
        const sockets = [];
        let meter;
        const warmed = (socket) => {
            sockets.push(socket);
            if (sockets.length === connections) {
                meter = new Meter();
                sockets.forEach((one) => one.write('x'));
            }
        };
        for (let i = 0; i < connections; i += 1) {
            const socket = net.connect(port, host, () => socket.write('x'));
            let isWarm = false;
            socket.setNoDelay(true);
            socket.on('data', () => {
                if (isWarm) {
                    meter.count();
                    socket.write('x');
                    return;
                }
                isWarm = true;
                warmed(socket);
            });
        }
    });
}

// One way, in pieces of this size.
function bulk(size) {
    const piece = Buffer.alloc(size, 'x');
    let received = 0;
    let meter;
    const sink = net.createServer((socket) => {
        socket.on('data', (bytes) => {
            received += bytes.length;
            while (received >= 1048576) {
                received -= 1048576;
                meter.count();
            }
        });
    });
    listen(sink, (port) => {
        const socket = net.connect(port, host, () => {
            meter = new Meter(1048576);
            const flood = () => {
                while (socket.write(piece));
            };
            socket.on('drain', flood);
            flood();
        });
    });
}

// Connect, accept, a line, close.
function connections(atOnce) {
    let meter;
    let port;
    const open = () => {
        const socket = net.connect(port, host);
        socket.end('a line\n');
    };
    const server = net.createServer((socket) => {
        socket.on('data', () => {
            socket.destroy();
            meter.count();
            open();
        });
    });
    listen(server, (itsPort) => {
        port = itsPort;
        meter = new Meter();
        meter.connects = true;
        for (let i = 0; i < atOnce; i += 1) {
            open();
        }
    });
}

function web() {
    const page = fs.readFileSync(param.page);
    const server = http.createServer((request, response) => {
        response.writeHead(200, {
            'Content-Type': 'text/html; charset=utf-8',
            'Content-Length': page.length,
        });
        response.end(page);
    });
    listen(server, (port) => print(`listening on ${host} ${port}`));
}

const cases = {
    rt1: () => roundTrips(1),
    rt100: () => roundTrips(100),
    bulk4k: () => bulk(4096),
    bulk64k: () => bulk(65536),
    bulk1m: () => bulk(1048576),
    'conn-seq': () => connections(1),
    'conn-50': () => connections(50),
    web,
};

process.argv.slice(3).forEach((option) => {
    const at = option.indexOf('=');
    param[option.slice(0, at)] = option.slice(at + 1);
});
cases[process.argv[2]]();
