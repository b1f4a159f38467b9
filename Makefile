# The everyday commands. CMake describes the build; this file sets up what the
# build needs, and calls CMake.

# The folders of `make install`, and how many tests run at once.
PREFIX = /usr/local
DESTDIR =
JOBS = 2

# For `make differential`, `make differential-outside` and `make sim`: the
# number of sequences, scenarios or worlds, and the seed of the first one.
# Without a seed, the time is used.
COUNT = 10000
SEED =

# For `make test-wine10` and `make test-win32`: a pattern of the rows to run.
ROWS = .

# For `make bench`: options of bench/run.tcl.
BENCH =

# For `make incore`: steps of tools/incore; all if empty.
STEPS =

# For `make selftest`: options of selftest/selftest.tcl, such as -quick.
SELFTEST =

# For `make fuzz`: how long each program runs.
SECONDS = 60

# For `make release`: --dry-run makes the quick checks only.
RELEASE =

version := $(shell sed -n 's/^set(IOCPSOCK_VERSION \(.*\))$$/\1/p' \
    CMakeLists.txt)
package = iocpsock$(version)
zip = build/dist/$(package)-windows.zip

.PHONY: all setup native demo test test-strict test-wine10 test-win32 test-tk \
    check sim fuzz coverage conformance incore differential \
    differential-outside soak browser-test bench bench-count check-format tidy \
    doc doc-check pictures dist dist-check selftest release install clean help \
    FORCE

all: setup build/win64/build.ninja
	@cmake --build build/win64

help:
	@echo "To use it"
	@echo "  make               the package, in build/package"
	@echo "  make demo          checks, measures a web server on iocpsock"
	@echo "  make doc           the manual as a site, in build/doc"
	@echo "  make dist          $(zip)"
	@echo "  make install       to PREFIX ($(PREFIX)), below DESTDIR"
	@echo "To test it"
	@echo "  make test          all tests, on both Tcls (JOBS=$(JOBS))"
	@echo "  make test-wine10   the suites on Wine 10, from the cache"
	@echo "  make test-win32    the suites in 32-bit Tcls, on Wine 10"
	@echo "  make test-tk       wish on its own display (Tk 8.6 and 9.0)"
	@echo "  make check         the tests that need no Windows"
	@echo "  make conformance   Tcl's own tests, with each driver"
	@echo "  make incore        Tcl with this driver as its own (STEPS=)"
	@echo "  make differential  random operations, compared (COUNT=, SEED=)"
	@echo "  make differential-outside  a peer outside Wine (COUNT=, SEED=)"
	@echo "  make sim           random worlds, simulated (COUNT=, SEED=)"
	@echo "  make fuzz          random inputs (SECONDS=$(SECONDS))"
	@echo "  make soak          floods, crowds and long runs, with a table"
	@echo "  make test-strict   suites on a Wine that acts as Windows does"
	@echo "  make browser-test  the live view in Chromium, and its picture"
	@echo "  make doc-check     the site: its links, its pages in Chromium"
	@echo "  make bench         measures each driver, with plots (an hour)"
	@echo "  make bench-count   system calls and Wine requests, with limits"
	@echo "  make coverage      how much of core/ the native tests run"
	@echo "  make dist-check    checks the zip"
	@echo "  make selftest      the zip's self-test, both Tcls (SELFTEST=)"
	@echo "  make release       all checks and the zip (RELEASE=--dry-run)"
	@echo "To change it (CONTRIBUTING.md)"
	@echo "  make tidy          checks the style, runs the code checkers"
	@echo "  make check-format  checks only the style"
	@echo "  make native        core/ for this machine, with gcc and clang"
	@echo "  make pictures      the pictures of doc/, from their sources"
	@echo "  make setup         sets up what the others need; they call it"
	@echo "  make clean         removes build/"

setup:
	@tools/setup

# Another cache has other Tcls, so the build must be configured again.
build/cache: FORCE
	@mkdir -p build
	@echo "$$XDG_CACHE_HOME" | cmp -s - $@ || echo "$$XDG_CACHE_HOME" >$@

build/%/build.ninja: CMakePresets.json build/cache | setup
	@echo "configuring build/$*"
	@cmake --preset $* --no-warn-unused-cli >/dev/null
	@touch $@

demo: all
	@tools/with-wine tools/demo

# Compiles core/ for this machine, which has the sanitizers.
native: build/native-gcc/build.ninja build/native-clang/build.ninja
	@cmake --build build/native-gcc
	@cmake --build build/native-clang

test: all native
	@tools/with-wine ctest --test-dir build/win64 --output-on-failure \
	    -j $(JOBS)

# The rows of `make test` that run on a system that does what Windows does
# (tests/testStrict.c).
test-strict: all
	@tools/with-wine ctest --test-dir build/win64 --output-on-failure \
	    -j $(JOBS) -L strict

# The suites of both targets need a client that is in build/native-gcc.
test-wine10: all build/native-gcc/build.ninja
	@tools/setup wine10
	@cmake --build build/native-gcc --target peer
	@JOBS=$(JOBS) ROWS='$(ROWS)' IOCPSOCK_TARGET=wine10 tools/with-wine \
	    tools/test-target wine10

test-win32: all build/native-gcc/build.ninja build/win32/build.ninja
	@tools/setup win32
	@cmake --build build/win32
	@cmake --build build/native-gcc --target peer
	@JOBS=$(JOBS) ROWS='$(ROWS)' IOCPSOCK_TARGET=win32 tools/with-wine \
	    tools/test-target win32

# Tests with Tk's windows. This builds Tk first.
test-tk: all
	@tools/setup tk
	@tools/with-wine ctest --test-dir build/win64 --output-on-failure \
	    -C tk -L '^tk$$' -j $(JOBS)

# The tests that need no Windows, built with both compilers.
check: native
	@ctest --test-dir build/native-gcc --output-on-failure -j $(JOBS)
	@ctest --test-dir build/native-clang --output-on-failure -j $(JOBS)

sim: build/native-clang/build.ninja
	@cmake --build build/native-clang --target randomTest
	@build/native-clang/randomTest $(or $(SEED),$(shell date +%s)) $(COUNT)

fuzz: build/native-clang/build.ninja all
	@cmake --build build/native-clang
	@tools/with-wine tools/fuzz $(SECONDS)

coverage: build/native-coverage/build.ninja
	@cmake --build build/native-coverage
	@tools/coverage

conformance: all
	@JOBS=$(JOBS) tools/with-wine tools/conformance

# Builds Tcl with this driver in the place of its own, and runs Tcl's tests.
incore: all build/native-gcc/build.ninja
	@cmake --build build/native-gcc --target peer
	@JOBS=$(JOBS) tools/with-wine tools/incore $(STEPS)

differential: all
	@tools/with-wine tools/differential $(COUNT) $(SEED)

differential-outside: all build/native-gcc/build.ninja
	@cmake --build build/native-gcc --target peer
	@tools/with-wine tools/differential-outside $(COUNT) $(SEED)

soak: all build/native-gcc/build.ninja build/native-clang/build.ninja
	@cmake --build build/native-gcc --target peer
	@cmake --build build/native-clang --target udpRandomTest randomTest
	@tools/with-wine tools/soak

bench: all
	@tools/setup bench
	@tools/with-wine tools/bench $(BENCH)

bench-count: all
	@tools/bench-count
	@tools/bench-calls

# Tests the live view and WebSockets in a browser on this machine.
browser-test: all
	@tools/setup browser
	@tools/with-wine tclsh tests/browser.tcl build -tcl 86
	@tools/with-wine tclsh tests/browser.tcl build -tcl 90

check-format:
	@tools/setup tidy
	@tools/tidy format

tidy: all native build/win32/build.ninja
	@tools/setup tidy
	@cmake --build build/win32
	@tools/tidy

# The manual for man and as Markdown, and the site for browsers, in build/doc.
manual = build/doc/index.html

doc: setup $(manual)

pages = $(wildcard *.md doc/*.man doc/*.md doc/*.svg doc/*.png doc/*.css \
    bench/results/*.svg tools/site*.tcl) tools/make-doc tools/check-links

$(manual): $(pages) CMakeLists.txt | setup
	@tools/make-doc $(version)
	@echo "$(manual); iocpsock and iocpsock_monitor also as .n and .md"

# Each page as a phone and a desktop show it; pictures in build/doc-check.
doc-check: $(manual)
	@tools/setup browser
	@tools/doc-check $(version)
	@tclsh tests/siteBrowser.tcl build/doc build/doc-check

# The pictures of doc/design.md, from their sources.
pictures:
	@tools/setup pictures
	@tools/make-pictures

# No set-up here: root's own cache may be empty.
install:
	@test -f build/win64/build.ninja || $(MAKE) all
	@DESTDIR="$(DESTDIR)" cmake --install build/win64 --prefix "$(PREFIX)"

# Both processors, and the static libraries.
dist: all $(manual) build/win32/build.ninja
	@cmake --build build/win32
	@cmake --build build/win64 --target static
	@cmake --build build/win32 --target static
	@tools/make-dist $(version)
	@echo "$(zip)"

dist-check: dist
	@tools/setup dist
	@tools/with-wine tools/dist-check $(version)

selftest: dist
	@tools/with-wine tools/selftest $(version) $(SELFTEST)

# No set-up here: the quick checks come first.
release:
	@JOBS=$(JOBS) tools/release $(RELEASE) $(version)

clean:
	rm -rf build
