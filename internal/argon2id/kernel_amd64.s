//go:build !purego

#include "textflag.h"

// The permutation P of RFC 9106, section 3.6, works on 16 words v0 to v15: the
// function GB on the columns of the square that they form, then on its diagonals.
// Four GB run at once in the four words of a register, and two sets of them side by
// side. Names: a, b, c and d hold v0-v3, v4-v7, v8-v11 and v12-v15.

// What VPSHUFB does to rotate each word right by 24 and by 16 bits.
DATA by24<>+0x00(SB)/8, $0x0201000706050403
DATA by24<>+0x08(SB)/8, $0x0a09080f0e0d0c0b
DATA by24<>+0x10(SB)/8, $0x0201000706050403
DATA by24<>+0x18(SB)/8, $0x0a09080f0e0d0c0b
GLOBL by24<>(SB), (NOPTR+RODATA), $32

DATA by16<>+0x00(SB)/8, $0x0100070605040302
DATA by16<>+0x08(SB)/8, $0x09080f0e0d0c0b0a
DATA by16<>+0x10(SB)/8, $0x0100070605040302
DATA by16<>+0x18(SB)/8, $0x09080f0e0d0c0b0a
GLOBL by16<>(SB), (NOPTR+RODATA), $32

// ADD2 is a = a + b + 2*lo(a)*lo(b), twice. It uses Y8 and Y9.
#define ADD2(a, b, e, f) \
	VPMULUDQ a, b, Y8; \
	VPMULUDQ e, f, Y9; \
	VPADDQ   b, a, a;  \
	VPADDQ   f, e, e;  \
	VPADDQ   Y8, Y8, Y8; \
	VPADDQ   Y9, Y9, Y9; \
	VPADDQ   Y8, a, a; \
	VPADDQ   Y9, e, e

// GB2 is GB on a, b, c, d and on e, f, g, h. Y14 and Y15 hold by24 and by16.
// Rotating by 63 to the right is by 1 to the left: b+b takes the bit that falls out.
#define GB2(a, b, c, d, e, f, g, h) \
	ADD2(a, b, e, f);       \
	VPXOR   a, d, d;        \
	VPXOR   e, h, h;        \
	VPSHUFD $0xB1, d, d;    \
	VPSHUFD $0xB1, h, h;    \
	ADD2(c, d, g, h);       \
	VPXOR   c, b, b;        \
	VPXOR   g, f, f;        \
	VPSHUFB Y14, b, b;      \
	VPSHUFB Y14, f, f;      \
	ADD2(a, b, e, f);       \
	VPXOR   a, d, d;        \
	VPXOR   e, h, h;        \
	VPSHUFB Y15, d, d;      \
	VPSHUFB Y15, h, h;      \
	ADD2(c, d, g, h);       \
	VPXOR   c, b, b;        \
	VPXOR   g, f, f;        \
	VPADDQ  b, b, Y8;       \
	VPADDQ  f, f, Y9;       \
	VPSRLQ  $63, b, b;      \
	VPSRLQ  $63, f, f;      \
	VPXOR   Y8, b, b;       \
	VPXOR   Y9, f, f

// ROWS2 is P on two rows of half, at byte n and n+128. A row is four registers, a to
// d. For the diagonals a, c and d turn by one, one and two words; b, which is ready
// last, stays.
#define ROWS2(n) \
	VMOVDQU (n+0x00)(SI), Y0;     \
	VMOVDQU (n+0x20)(SI), Y1;     \
	VMOVDQU (n+0x40)(SI), Y2;     \
	VMOVDQU (n+0x60)(SI), Y3;     \
	VMOVDQU (n+0x80)(SI), Y4;     \
	VMOVDQU (n+0xA0)(SI), Y5;     \
	VMOVDQU (n+0xC0)(SI), Y6;     \
	VMOVDQU (n+0xE0)(SI), Y7;     \
	VPXOR   (n+0x00)(DX), Y0, Y0; \
	VPXOR   (n+0x20)(DX), Y1, Y1; \
	VPXOR   (n+0x40)(DX), Y2, Y2; \
	VPXOR   (n+0x60)(DX), Y3, Y3; \
	VPXOR   (n+0x80)(DX), Y4, Y4; \
	VPXOR   (n+0xA0)(DX), Y5, Y5; \
	VPXOR   (n+0xC0)(DX), Y6, Y6; \
	VPXOR   (n+0xE0)(DX), Y7, Y7; \
	GB2(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7); \
	VPERMQ  $0x93, Y0, Y0;        \
	VPERMQ  $0x93, Y4, Y4;        \
	VPERMQ  $0x4E, Y3, Y3;        \
	VPERMQ  $0x4E, Y7, Y7;        \
	VPERMQ  $0x39, Y2, Y2;        \
	VPERMQ  $0x39, Y6, Y6;        \
	GB2(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7); \
	VPERMQ  $0x39, Y0, Y0;        \
	VPERMQ  $0x39, Y4, Y4;        \
	VPERMQ  $0x4E, Y3, Y3;        \
	VPERMQ  $0x4E, Y7, Y7;        \
	VPERMQ  $0x93, Y2, Y2;        \
	VPERMQ  $0x93, Y6, Y6;        \
	VMOVDQU Y0, (n+0x00)(AX);     \
	VMOVDQU Y1, (n+0x20)(AX);     \
	VMOVDQU Y2, (n+0x40)(AX);     \
	VMOVDQU Y3, (n+0x60)(AX);     \
	VMOVDQU Y4, (n+0x80)(AX);     \
	VMOVDQU Y5, (n+0xA0)(AX);     \
	VMOVDQU Y6, (n+0xC0)(AX);     \
	VMOVDQU Y7, (n+0xE0)(AX)

// STORE writes one register of COLUMNS2, XORed with prev, ref and old.
#define STORE(n, r) \
	VPXOR   (n)(SI), r, r; \
	VPXOR   (n)(DX), r, r; \
	VPXOR   (n)(R8), r, r; \
	VMOVDQU r, (n)(DI)

// COLUMNS2 is P on two columns of half, whose first words are at byte n and n+16. A
// column is two words from each row, so a register holds two words of the one, low,
// and the same two of the other, high: a is Y0 and Y1, b is Y2 and Y3, and so on. For
// the diagonals a and c turn by one word, into Y10 to Y13: v3 v0, v1 v2, v9 v10 and
// v11 v8. b stays. d turns by two, which exchanges Y6 and Y7.
#define COLUMNS2(n) \
	VMOVDQU  (n+0x000)(AX), Y0;    \
	VMOVDQU  (n+0x080)(AX), Y1;    \
	VMOVDQU  (n+0x100)(AX), Y2;    \
	VMOVDQU  (n+0x180)(AX), Y3;    \
	VMOVDQU  (n+0x200)(AX), Y4;    \
	VMOVDQU  (n+0x280)(AX), Y5;    \
	VMOVDQU  (n+0x300)(AX), Y6;    \
	VMOVDQU  (n+0x380)(AX), Y7;    \
	GB2(Y0, Y2, Y4, Y6, Y1, Y3, Y5, Y7); \
	VPALIGNR $8, Y1, Y0, Y10;      \
	VPALIGNR $8, Y0, Y1, Y11;      \
	VPALIGNR $8, Y4, Y5, Y12;      \
	VPALIGNR $8, Y5, Y4, Y13;      \
	GB2(Y10, Y2, Y12, Y7, Y11, Y3, Y13, Y6); \
	VPALIGNR $8, Y10, Y11, Y0;     \
	VPALIGNR $8, Y11, Y10, Y1;     \
	VPALIGNR $8, Y13, Y12, Y4;     \
	VPALIGNR $8, Y12, Y13, Y5;     \
	STORE(n+0x000, Y0);            \
	STORE(n+0x080, Y1);            \
	STORE(n+0x100, Y2);            \
	STORE(n+0x180, Y3);            \
	STORE(n+0x200, Y4);            \
	STORE(n+0x280, Y5);            \
	STORE(n+0x300, Y6);            \
	STORE(n+0x380, Y7)

// func first(half, dst, prev, ref, old *block)
TEXT ·first(SB), NOSPLIT, $0-40
	MOVQ    half+0(FP), AX
	MOVQ    dst+8(FP), DI
	MOVQ    prev+16(FP), SI
	MOVQ    ref+24(FP), DX
	MOVQ    old+32(FP), R8
	VMOVDQU by24<>(SB), Y14
	VMOVDQU by16<>(SB), Y15
	ROWS2(0x000)
	ROWS2(0x100)
	ROWS2(0x200)
	ROWS2(0x300)
	COLUMNS2(0x00)
	VZEROUPPER
	RET

// func second(half, dst, prev, ref, old, next *block)
TEXT ·second(SB), NOSPLIT, $0-48
	MOVQ    half+0(FP), AX
	MOVQ    dst+8(FP), DI
	MOVQ    prev+16(FP), SI
	MOVQ    ref+24(FP), DX
	MOVQ    old+32(FP), R8
	MOVQ    next+40(FP), R9
	PREFETCHT0 0x000(R9)
	PREFETCHT0 0x040(R9)
	PREFETCHT0 0x080(R9)
	PREFETCHT0 0x0C0(R9)
	PREFETCHT0 0x100(R9)
	PREFETCHT0 0x140(R9)
	PREFETCHT0 0x180(R9)
	PREFETCHT0 0x1C0(R9)
	PREFETCHT0 0x200(R9)
	PREFETCHT0 0x240(R9)
	PREFETCHT0 0x280(R9)
	PREFETCHT0 0x2C0(R9)
	PREFETCHT0 0x300(R9)
	PREFETCHT0 0x340(R9)
	PREFETCHT0 0x380(R9)
	PREFETCHT0 0x3C0(R9)
	VMOVDQU by24<>(SB), Y14
	VMOVDQU by16<>(SB), Y15
	COLUMNS2(0x20)
	COLUMNS2(0x40)
	COLUMNS2(0x60)
	VZEROUPPER
	RET
