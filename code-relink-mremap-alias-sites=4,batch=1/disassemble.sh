#!/bin/sh
# Written by bench-run --dump-code: every piece of code with its name.
cd "$(dirname "$0")" || exit 1
echo 'unlinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 unlinked.bin --start-address=0x202f6583f000 --stop-address=0x202f6583f040 | sed 1,6d
echo 'unlinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 unlinked.bin --start-address=0x202f6583f040 --stop-address=0x202f6583f080 | sed 1,6d
echo 'unlinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 unlinked.bin --start-address=0x202f6583f900 --stop-address=0x202f6583f9c0 | sed 1,6d
echo 'unlinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 unlinked.bin --start-address=0x202f6584b300 --stop-address=0x202f6584b340 | sed 1,6d
echo 'unlinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 unlinked.bin --start-address=0x202f65851058 --stop-address=0x202f65851078 | sed 1,6d
echo 'mic: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 mic.bin --start-address=0x202f6583f000 --stop-address=0x202f6583f040 | sed 1,6d
echo 'mic: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 mic.bin --start-address=0x202f6583f040 --stop-address=0x202f6583f080 | sed 1,6d
echo 'mic: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 mic.bin --start-address=0x202f6583f900 --stop-address=0x202f6583f9c0 | sed 1,6d
echo 'mic: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 mic.bin --start-address=0x202f6584b5c0 --stop-address=0x202f6584b600 | sed 1,6d
echo 'mic: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 mic.bin --start-address=0x202f65851058 --stop-address=0x202f65851078 | sed 1,6d
echo 'mic-relinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 mic-relinked.bin --start-address=0x202f6583f000 --stop-address=0x202f6583f040 | sed 1,6d
echo 'mic-relinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 mic-relinked.bin --start-address=0x202f6583f040 --stop-address=0x202f6583f080 | sed 1,6d
echo 'mic-relinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 mic-relinked.bin --start-address=0x202f6583f900 --stop-address=0x202f6583f9c0 | sed 1,6d
echo 'mic-relinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 mic-relinked.bin --start-address=0x202f6584bd80 --stop-address=0x202f6584bdc0 | sed 1,6d
echo 'mic-relinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x202f6583f000 mic-relinked.bin --start-address=0x202f65851058 --stop-address=0x202f65851078 | sed 1,6d
