# SPDX-License-Identifier: GPL-2.0
#
# The only entrance: it drives, Kbuild and the scripts do the work.

KDIR ?= /lib/modules/$(shell uname -r)/build
INSTALL_MOD_DIR ?= updates/dm-daxlinear
# those to be tested, such as 6.12; otherwise all that we support
KERNELS ?=

all: modules

help:
	@echo 'make                  build the modules for this machine (KDIR= another kernel build tree)'
	@echo 'make tools            build the administrator'"'"'s command, tools/daxlinear'
	@echo 'make install          install them (DESTDIR= below another root)'
	@echo 'make uninstall        remove them again'
	@echo 'make demo             show what they do, in an emulated machine with NVDIMMs'
	@echo 'make check            run all tests (KERNELS= the kernels, CASES= the random unit cases,'
	@echo '                      SECONDS= of fuzzing)'
	@echo 'make check-unit       run the tests that need no kernel'
	@echo 'make fuzz             fuzz the code that needs no kernel (SECONDS= how long)'
	@echo 'make lint             what compilers and checkers say of the code'
	@echo 'make guest-shell      a shell in the emulated machine'
	@echo 'make clean            remove what was built here'

$(KDIR):
	@echo "No kernel build tree at $(KDIR): install linux-headers-$$(uname -r), or give KDIR=" >&2
	@exit 1

modules: $(KDIR)
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

install: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) \
		INSTALL_MOD_DIR=$(INSTALL_MOD_DIR) modules_install

uninstall: $(KDIR)
	release=$$($(MAKE) -s -C $(KDIR) kernelrelease) && \
	rm -rf $(DESTDIR)/lib/modules/$$release/$(INSTALL_MOD_DIR) && \
	{ test -n '$(DESTDIR)' || depmod -a $$release; }

tools:
	$(MAKE) -C tools

deps:
	@scripts/install-deps

fuzz-deps:
	@scripts/install-deps clang libclang-rt-dev

demo: deps
	@scripts/demo

check: fuzz-deps
	@scripts/check $(KERNELS)

lint:
	@scripts/lint

check-unit:
	@$(MAKE) -s -C tests/unit check

fuzz: fuzz-deps
	@$(MAKE) -s -C tests/fuzz check

guest-shell: deps
	scripts/guest build
	scripts/guest shell

clean:
	test ! -d $(KDIR) || $(MAKE) -C $(KDIR) M=$(CURDIR) clean
	$(MAKE) -C tools clean
	rm -rf build

.PHONY: all help lint modules tools install uninstall deps fuzz-deps demo check check-unit fuzz guest-shell clean
