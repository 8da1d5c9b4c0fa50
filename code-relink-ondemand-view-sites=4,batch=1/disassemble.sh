#!/bin/sh
# Written by bench-run --dump-code: every piece of code with its name.
cd "$(dirname "$0")" || exit 1
echo 'unlinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 unlinked.bin --start-address=0x207cb1902000 --stop-address=0x207cb1902040 | sed 1,6d
echo 'unlinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 unlinked.bin --start-address=0x207cb1902040 --stop-address=0x207cb1902080 | sed 1,6d
echo 'unlinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 unlinked.bin --start-address=0x207cb19020c0 --stop-address=0x207cb1902180 | sed 1,6d
echo 'unlinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 unlinked.bin --start-address=0x207cb1903040 --stop-address=0x207cb1903080 | sed 1,6d
echo 'unlinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 unlinked.bin --start-address=0x207cb1914050 --stop-address=0x207cb1914070 | sed 1,6d
echo 'mic: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 mic.bin --start-address=0x207cb1902000 --stop-address=0x207cb1902040 | sed 1,6d
echo 'mic: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 mic.bin --start-address=0x207cb1902040 --stop-address=0x207cb1902080 | sed 1,6d
echo 'mic: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 mic.bin --start-address=0x207cb19020c0 --stop-address=0x207cb1902180 | sed 1,6d
echo 'mic: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 mic.bin --start-address=0x207cb1903800 --stop-address=0x207cb1903840 | sed 1,6d
echo 'mic: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 mic.bin --start-address=0x207cb1914050 --stop-address=0x207cb1914070 | sed 1,6d
echo 'mic-relinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 mic-relinked.bin --start-address=0x207cb1902000 --stop-address=0x207cb1902040 | sed 1,6d
echo 'mic-relinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 mic-relinked.bin --start-address=0x207cb1902040 --stop-address=0x207cb1902080 | sed 1,6d
echo 'mic-relinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 mic-relinked.bin --start-address=0x207cb19020c0 --stop-address=0x207cb1902180 | sed 1,6d
echo 'mic-relinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 mic-relinked.bin --start-address=0x207cb19036c0 --stop-address=0x207cb1903700 | sed 1,6d
echo 'mic-relinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x207cb1902000 mic-relinked.bin --start-address=0x207cb1914050 --stop-address=0x207cb1914070 | sed 1,6d
