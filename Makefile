# `make demo` and `make test` are all one needs on a new Debian or Ubuntu machine with a Swift toolchain;
# `make help` lists the rest.

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
BINARY := bin/swiftbuild
SHARE = $(DESTDIR)$(PREFIX)/share
# In a directory of its own: other flags would build everything again each time.
STRICT := --scratch-path .build-check -Xswiftc -warnings-as-errors
# Types such as dictionaries are then made with the conformances that the compiler knows. Otherwise the runtime searches
# all conformances of the program for each, which takes longer than a build in which nothing changed.
METADATA := -Xswiftc -Xfrontend -Xswiftc -disable-concrete-type-metadata-mangled-name-accessors
# At a fixed address, so that no pointer of the program's tables has to be relocated when it starts.
FIXED := -Xlinker -no-pie

.DEFAULT_GOAL := build
.PHONY: help build demo test test-quick check lint fmt fuzz bench bench-quick bench-curves compare install clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the release binary, bin/swiftbuild, linked statically against the Swift runtime
	@scripts/install-dependencies build
	@mkdir -p bin .build/static
	@ln -sf "$$(ls -v /usr/lib/gcc/*/*/libstdc++.a | tail -n 1)" "$$(ls /usr/lib/*/libz.a | tail -n 1)" .build/static/
	$(SWIFT) build -c release --static-swift-stdlib --disable-local-rpath $(METADATA) $(FIXED) --product swiftbuild
	@strip -o $(BINARY).new .build/release/swiftbuild
	@mv -f $(BINARY).new $(BINARY)
	@echo "$(BINARY): $$(($$(stat -c %s $(BINARY)) / 1048576)) MiB"

demo: build ## Build, list, run and inspect two images, then build them again from the cache
	@scripts/install-dependencies demo
	@scripts/demo

test: ## Run all tests; those that need root or another tool say why they are skipped
	@scripts/install-dependencies test
	$(SWIFT) test --disable-xctest

# The units, and the cases of the language that need neither root nor a base.
QUICK := --skip 'EndToEndTests\.(?!SemanticsTests)' --skip 'SemanticsTests/build(OnBase|WithProcesses)'

test-quick: ## Run what is quick: the tests of each target, and the cases of the language without processes
	@scripts/install-dependencies build
	$(SWIFT) test --disable-xctest $(QUICK)

check: lint ## What a change must pass: format, warnings as errors, tests
	@scripts/install-dependencies test
	$(SWIFT) build --build-tests $(STRICT)
	$(SWIFT) test --disable-xctest $(STRICT)

C_SOURCES = $(wildcard Sources/C*/*.[ch] Sources/C*/include/*.h)
CLANG_FORMAT := $(shell command -v clang-format)

lint: ## Check the formatting without changing anything; that of the C where clang-format is installed
	@scripts/install-dependencies build
	$(SWIFT) format lint --strict --parallel --recursive Package.swift Sources Tests
	$(if $(CLANG_FORMAT),clang-format --dry-run --Werror $(C_SOURCES),@echo "the C is not checked: no clang-format")

fmt: ## Format the sources
	$(SWIFT) format --in-place --parallel --recursive Package.swift Sources Tests
	$(if $(CLANG_FORMAT),clang-format -i $(C_SOURCES))

fuzz: ## Feed made-up input to what reads files and servers for TIME seconds (default 120), or to the parts in FUZZ
	@scripts/install-dependencies build
	SWIFTBUILD_FUZZING=1 $(SWIFT) build -c release --scratch-path .build-fuzz --product Fuzzing -Xswiftc -sanitize=fuzzer -Xswiftc -enable-testing -Xswiftc -parse-as-library -Xswiftc -use-ld=lld
	Tests/Fuzzing/run .build-fuzz/release/Fuzzing $(or $(TIME),120) $(FUZZ)

bench: build ## Measure builds against plain tools and other builders, all in one run; 20 minutes, on a quiet machine
	@scripts/install-dependencies bench
	@Benchmarks/run $(BENCH)

bench-quick: build ## The same with fewer files and rounds, and without other builders; about a minute
	@scripts/install-dependencies bench
	@Benchmarks/run --quick $(BENCH)

bench-curves: build ## Measure how cost grows with files, layers, steps and images, and draw docs/performance-curves.svg
	@scripts/install-dependencies bench
	@Benchmarks/run --only curves --curves docs/performance-curves.svg $(BENCH)

compare: build ## Build every example and case of the language with other builders too, and compare the images
	@scripts/install-dependencies bench
	@Tests/Comparison/compare $(COMPARE)

install: ## Install binary, manual page and completions under PREFIX (default /usr/local), with COMPOSE=1 as docker-compose too
	@test -x $(BINARY) || $(MAKE) build
	install -D -m 0755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/swiftbuild
	$(if $(COMPOSE),ln -sf swiftbuild $(DESTDIR)$(PREFIX)/bin/docker-compose)
	@mkdir -p $(SHARE)/man/man1 $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions \
		$(SHARE)/fish/vendor_completions.d
	$(BINARY) debug manual > $(SHARE)/man/man1/swiftbuild.1
	$(BINARY) --generate-completion-script bash > $(SHARE)/bash-completion/completions/swiftbuild
	$(BINARY) --generate-completion-script zsh > $(SHARE)/zsh/site-functions/_swiftbuild
	$(BINARY) --generate-completion-script fish > $(SHARE)/fish/vendor_completions.d/swiftbuild.fish

clean: ## Remove everything that was built
	rm -rf .build .build-check .build-fuzz bin
