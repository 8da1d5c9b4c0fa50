#!/bin/sh
# Written by bench-run --dump-code: every piece of code with its name.
cd "$(dirname "$0")" || exit 1
echo 'unlinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 unlinked.bin --start-address=0x20e71d1a8000 --stop-address=0x20e71d1a8040 | sed 1,6d
echo 'unlinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 unlinked.bin --start-address=0x20e71d1a8040 --stop-address=0x20e71d1a8080 | sed 1,6d
echo 'unlinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 unlinked.bin --start-address=0x20e71d1a8b40 --stop-address=0x20e71d1a8c00 | sed 1,6d
echo 'unlinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 unlinked.bin --start-address=0x20e71d1b73c0 --stop-address=0x20e71d1b7400 | sed 1,6d
echo 'unlinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 unlinked.bin --start-address=0x20e71d1ba068 --stop-address=0x20e71d1ba088 | sed 1,6d
echo 'mic: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 mic.bin --start-address=0x20e71d1a8000 --stop-address=0x20e71d1a8040 | sed 1,6d
echo 'mic: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 mic.bin --start-address=0x20e71d1a8040 --stop-address=0x20e71d1a8080 | sed 1,6d
echo 'mic: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 mic.bin --start-address=0x20e71d1a8b40 --stop-address=0x20e71d1a8c00 | sed 1,6d
echo 'mic: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 mic.bin --start-address=0x20e71d1b8200 --stop-address=0x20e71d1b8240 | sed 1,6d
echo 'mic: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 mic.bin --start-address=0x20e71d1ba068 --stop-address=0x20e71d1ba088 | sed 1,6d
echo 'mic-relinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 mic-relinked.bin --start-address=0x20e71d1a8000 --stop-address=0x20e71d1a8040 | sed 1,6d
echo 'mic-relinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 mic-relinked.bin --start-address=0x20e71d1a8040 --stop-address=0x20e71d1a8080 | sed 1,6d
echo 'mic-relinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 mic-relinked.bin --start-address=0x20e71d1a8b40 --stop-address=0x20e71d1a8c00 | sed 1,6d
echo 'mic-relinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 mic-relinked.bin --start-address=0x20e71d1b7c00 --stop-address=0x20e71d1b7c40 | sed 1,6d
echo 'mic-relinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20e71d1a8000 mic-relinked.bin --start-address=0x20e71d1ba068 --stop-address=0x20e71d1ba088 | sed 1,6d
