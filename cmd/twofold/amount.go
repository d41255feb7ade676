package main

import "strconv"

// amount is a number of things, by the names of one and of several: "1 row", "2 rows".
func amount[N int | int64](n N, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(int64(n), 10) + " " + several
}
