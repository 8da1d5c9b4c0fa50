#!/bin/sh
# Written by bench-run --dump-code: every piece of code with its name.
cd "$(dirname "$0")" || exit 1
echo 'unlinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 unlinked.bin --start-address=0x20d3f75c6000 --stop-address=0x20d3f75c6040 | sed 1,6d
echo 'unlinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 unlinked.bin --start-address=0x20d3f75c6040 --stop-address=0x20d3f75c6080 | sed 1,6d
echo 'unlinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 unlinked.bin --start-address=0x20d3f75c6240 --stop-address=0x20d3f75c6300 | sed 1,6d
echo 'unlinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 unlinked.bin --start-address=0x20d3f75c90c0 --stop-address=0x20d3f75c9100 | sed 1,6d
echo 'unlinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 unlinked.bin --start-address=0x20d3f75d8048 --stop-address=0x20d3f75d8068 | sed 1,6d
echo 'mic: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 mic.bin --start-address=0x20d3f75c6000 --stop-address=0x20d3f75c6040 | sed 1,6d
echo 'mic: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 mic.bin --start-address=0x20d3f75c6040 --stop-address=0x20d3f75c6080 | sed 1,6d
echo 'mic: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 mic.bin --start-address=0x20d3f75c6240 --stop-address=0x20d3f75c6300 | sed 1,6d
echo 'mic: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 mic.bin --start-address=0x20d3f75c9dc0 --stop-address=0x20d3f75c9e00 | sed 1,6d
echo 'mic: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 mic.bin --start-address=0x20d3f75d8048 --stop-address=0x20d3f75d8068 | sed 1,6d
echo 'mic-relinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 mic-relinked.bin --start-address=0x20d3f75c6000 --stop-address=0x20d3f75c6040 | sed 1,6d
echo 'mic-relinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 mic-relinked.bin --start-address=0x20d3f75c6040 --stop-address=0x20d3f75c6080 | sed 1,6d
echo 'mic-relinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 mic-relinked.bin --start-address=0x20d3f75c6240 --stop-address=0x20d3f75c6300 | sed 1,6d
echo 'mic-relinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 mic-relinked.bin --start-address=0x20d3f75c9880 --stop-address=0x20d3f75c98c0 | sed 1,6d
echo 'mic-relinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d3f75c6000 mic-relinked.bin --start-address=0x20d3f75d8048 --stop-address=0x20d3f75d8068 | sed 1,6d
