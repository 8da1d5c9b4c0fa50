#!/bin/sh
# Written by bench-run --dump-code: every piece of code with its name.
cd "$(dirname "$0")" || exit 1
echo 'unlinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 unlinked.bin --start-address=0x20a173c8a000 --stop-address=0x20a173c8a040 | sed 1,6d
echo 'unlinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 unlinked.bin --start-address=0x20a173c8a040 --stop-address=0x20a173c8a080 | sed 1,6d
echo 'unlinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 unlinked.bin --start-address=0x20a173c8a540 --stop-address=0x20a173c8a600 | sed 1,6d
echo 'unlinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 unlinked.bin --start-address=0x20a173c911c0 --stop-address=0x20a173c91200 | sed 1,6d
echo 'unlinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 unlinked.bin --start-address=0x20a173c9c050 --stop-address=0x20a173c9c070 | sed 1,6d
echo 'mic: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 mic.bin --start-address=0x20a173c8a000 --stop-address=0x20a173c8a040 | sed 1,6d
echo 'mic: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 mic.bin --start-address=0x20a173c8a040 --stop-address=0x20a173c8a080 | sed 1,6d
echo 'mic: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 mic.bin --start-address=0x20a173c8a540 --stop-address=0x20a173c8a600 | sed 1,6d
echo 'mic: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 mic.bin --start-address=0x20a173c91bc0 --stop-address=0x20a173c91c00 | sed 1,6d
echo 'mic: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 mic.bin --start-address=0x20a173c9c050 --stop-address=0x20a173c9c070 | sed 1,6d
echo 'mic-relinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 mic-relinked.bin --start-address=0x20a173c8a000 --stop-address=0x20a173c8a040 | sed 1,6d
echo 'mic-relinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 mic-relinked.bin --start-address=0x20a173c8a040 --stop-address=0x20a173c8a080 | sed 1,6d
echo 'mic-relinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 mic-relinked.bin --start-address=0x20a173c8a540 --stop-address=0x20a173c8a600 | sed 1,6d
echo 'mic-relinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 mic-relinked.bin --start-address=0x20a173c91380 --stop-address=0x20a173c913c0 | sed 1,6d
echo 'mic-relinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20a173c8a000 mic-relinked.bin --start-address=0x20a173c9c050 --stop-address=0x20a173c9c070 | sed 1,6d
