# SPDX-License-Identifier: GPL-2.0
#
# The entry point for users: Kbuild and the scripts do the work.

KDIR ?= /lib/modules/$(shell uname -r)/build
INSTALL_MOD_DIR ?= updates/dm-daxlinear
# the prefix of all but the modules; tools/Makefile has the places below it
export prefix ?= /usr/local
# the kernels to test, such as longterm; by default all that we support
KERNELS ?=

all: modules

help:
	@echo 'make                  build the modules for this machine (KDIR= another kernel build tree)'
	@echo 'make tools            build the administrator'"'"'s command, tools/daxlinear'
	@echo 'make install          install both (DESTDIR= below another root, prefix= another /usr/local)'
	@echo 'make install-modules  install the modules only, for the kernel of KDIR'
	@echo 'make install-tools    install all but the modules'
	@echo 'make install-source   install what DKMS builds the modules from, in /usr/src'
	@echo 'make uninstall        remove what these have installed, by the same variables'
	@echo 'make docs             build the documents as HTML, in build/docs/html'
	@echo 'make deb              build Debian packages, in build/deb'
	@echo 'make demo             show what they do, in an emulated machine with NVDIMMs (ARCH=arm64)'
	@echo 'make check            run all tests (KERNELS= the kernels, CASES= the random unit cases,'
	@echo '                      SECONDS= of fuzzing)'
	@echo 'make check-debug      run the dmtests on a kernel that is built to find bugs, with coverage'
	@echo 'make check-next       build the modules for a kernel of sid or experimental, if newer'
	@echo 'make debug-kernel     build that kernel, unless the cache has it'
	@echo 'make debug-kernel-patched   build it with the patches of Documentation/upstream'
	@echo 'make check-patched    check that these patches cure their defects'
	@echo 'make check-unit       run the tests that need no kernel'
	@echo 'make fuzz             fuzz the code that needs no kernel (SECONDS= how long)'
	@echo 'make bench            count what it costs, beside raw pmem and dm-linear, in build/bench'
	@echo '                      (K= kernel, SEED= of the tables, SEEDS= so many seeds, tables alone)'
	@echo 'make lint             check the code and the scripts without running them'
	@echo 'make check-one        run the tests with T in their path, on kernel K (T=test_shared_data K=longterm)'
	@echo 'make shell            a shell in the emulated machine, with an XFS on a daxlinear device (K=)'
	@echo 'make clean            remove what was built here'

$(KDIR):
	@echo "No kernel build tree at $(KDIR): install linux-headers-$$(uname -r), or give KDIR=" >&2
	@exit 1

modules: $(KDIR)
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

install: install-modules install-tools

# As modules_install has it; `make kernelrelease` is wrong with Debian's 6.1.
RELEASE = $$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)
# Kbuild runs depmod only where there is a System.map, which Debian keeps elsewhere.
DEPMOD = test -n '$(DESTDIR)' || depmod -a

# A distribution keeps its key to itself, and Kbuild would complain for each module.
UNSIGNED = $(if $(wildcard $(KDIR)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=)

install-modules: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) \
		INSTALL_MOD_DIR=$(INSTALL_MOD_DIR) $(UNSIGNED) modules_install
	$(DEPMOD) $(RELEASE)

install-tools:
	$(MAKE) -C tools install

# DKMS looks nowhere else, whatever the prefix.
SOURCE_DIR = $(DESTDIR)/usr/src/dm-daxlinear-$(shell cat VERSION)
SOURCES = $(shell find Kbuild VERSION dkms.conf dax-holder dm-daxlinear -type f \
	\( -name '*.[ch]' ! -name '*.mod.c' -o ! -name '*.*' -o -name dkms.conf \))

install-source:
	for file in $(SOURCES); do install -D -m 644 $$file $(SOURCE_DIR)/$$file || exit; done

uninstall: $(KDIR)
	$(MAKE) -C tools uninstall
	rm -rf $(SOURCE_DIR) $(DESTDIR)/lib/modules/$(RELEASE)/$(INSTALL_MOD_DIR)
	$(DEPMOD) $(RELEASE)

tools:
	$(MAKE) -C tools

docs:
	@scripts/install-deps python3-sphinx linux-headers-amd64
	@scripts/docs

deb:
	@scripts/install-deps build-essential debhelper dh-dkms libjs-sphinxdoc lintian \
		linux-headers-amd64 python3-sphinx
	@scripts/deb

deps:
	@scripts/install-deps

fuzz-deps:
	@scripts/install-deps clang libclang-rt-dev

demo: deps
	@scripts/demo "$$ARCH"

check: fuzz-deps
	@scripts/check $(KERNELS)

check-debug: deps
	@scripts/check-debug

check-next: deps
	@scripts/check-next

debug-kernel: deps
	@scripts/debug-kernel

debug-kernel-patched: deps
	@scripts/debug-kernel --patched

check-patched: deps
	@scripts/check-patched

lint:
	@scripts/lint

check-unit:
	@$(MAKE) -s -C tests/unit check

fuzz: fuzz-deps
	@$(MAKE) -s -C tests/fuzz check

bench:
	@scripts/install-deps gnuplot-nox
	@scripts/bench

# make passes T and K on as variables of the environment, whatever characters they have
KERNEL = $(if $(K),--kernel "$$K")

check-one: deps
	@scripts/check-one $(KERNEL) -- "$$T"

shell: deps
	@scripts/guest build $(KERNEL)
	@scripts/guest shell $(KERNEL) -- scripts/inside/shell

clean:
	test ! -d $(KDIR) || $(MAKE) -C $(KDIR) M=$(CURDIR) clean
	$(MAKE) -C tools clean
	rm -rf build

.PHONY: all help lint modules tools install install-modules install-tools install-source uninstall docs deb deps fuzz-deps demo check check-debug check-next debug-kernel debug-kernel-patched check-patched check-unit fuzz bench shell check-one clean
