# A thin front: every verb is a script or one Meson/Ninja call. All that is built goes into build/.
SEEDS  ?= 100000
STATES ?= 14000000
ONLY   ?=
PREFIX ?= /usr/local

.PHONY: build run check bench fairness soak explore lint fmt install picture clean setup help

build:            ## build everything into build/ (the command is build/yeon)
	@scripts/build.sh build

run:              ## the story: curl downloads under `yeon run`, the cable is pulled; then against the kernel's TCP
	@scripts/run.sh

check:            ## every test, plain and under the sanitizers; the last line counts them
	@scripts/check.sh

bench:            ## the figures, as a table and as build/bench.json; ONLY=core or ONLY=live for a part
	@scripts/bench.sh $(ONLY)

fairness:         ## do two flows share? all pairs of congestion controls over one bottleneck, in virtual time
	@scripts/build.sh build
	@build/yeon bench net --fairness --rtt 20,80

soak:             ## the property simulation; SEEDS=N seeds (100000)
	@scripts/build.sh build
	@build/tests/sim/property --seeds $(SEEDS)

explore:          ## every state that two hosts can reach in a small world; STATES=N states (14000000)
	@scripts/build.sh build
	@build/tests/explore/explore --states $(STATES) --jobs 2

lint:             ## the rules of the house
	@scripts/lint.py

fmt:              ## clang-format over all C
	@scripts/fmt.sh

install: build    ## into PREFIX (/usr/local, which wants sudo; PREFIX=$HOME/.local does not); DESTDIR is honoured
	@to='$(DESTDIR)$(abspath $(PREFIX))'; while [ ! -e "$$to" ]; do to=$$(dirname "$$to"); done; [ -w "$$to" ] || \
	  { echo "make install: you may not write into $$to: sudo make install, or make install PREFIX=\$$HOME/.local" >&2; exit 1; }
	@meson configure build --prefix=$(abspath $(PREFIX))
	@meson install -C build
	@[ -n "$(DESTDIR)" ] || ldconfig 2>/dev/null || true

setup:            ## install from the distribution what is missing (run and check call it by themselves)
	@scripts/setup.sh check

picture: build    ## draw docs/run.svg, the picture in the README, from a real run
	@scripts/picture.py

clean:            ## forget everything that was built
	@rm -rf build

help:             ## this list
	@sed -n 's/^\([a-z]*\): .*## /  make \1\t/p' Makefile
