// Run explores all worlds of package explore and prints the results: for each world its states, actions, depth
// and time, and for each broken promise the shortest story.
//
//	go run ./test/explore/run            all worlds, any number of browsers
//	go run ./test/explore/run -only app  those whose name contains "app"
//	go run ./test/explore/run -from 3346 those from that number on: those that lives and pairs add
//	go run ./test/explore/run -two       two browsers each, and everything in view
//	go run ./test/explore/run -faults    adds each fault, and prints how it is found
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/test/explore"
)

func main() {
	only := flag.String("only", "", "explore only worlds whose name contains this")
	from := flag.Int("from", 0, "leave out so many worlds")
	two := flag.Bool("two", false, "give everybody two browsers, not any number")
	most := flag.Int("most", math.MaxInt, "visit so many states of a world at most")
	faults := flag.Bool("faults", false, "put faults in, and print how each is found")
	flag.Parse()
	if *faults {
		tryFaults()
		return
	}
	start, worlds, states, actions, depth, broken, cut := time.Now(), 0, 0, 0, 0, 0, 0
	asked := func(i int, m *explore.World) bool {
		m.Crowd = !*two
		return i >= *from && strings.Contains(m.Name, *only)
	}
	for r := range explore.All(asked, *most) {
		fmt.Println(r)
		worlds, states, actions = worlds+1, states+r.States, actions+r.Actions
		depth, broken = max(depth, r.Depth), broken+len(r.Stories)
		if r.Cut {
			cut++
		}
	}
	if worlds == 0 {
		fmt.Fprintf(os.Stderr, "no world from number %d on has a name that contains %q\n", *from, *only)
		os.Exit(2)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	fmt.Printf("%d worlds (%d not to the end), %d states, %d actions, depth %d, %.0f s, %d MB: %d promises broken\n",
		worlds, cut, states, actions, depth, time.Since(start).Seconds(), memory.Sys>>20, broken)
	if broken > 0 {
		os.Exit(1)
	}
}

// tryFaults prints a table of the faults: what each breaks, and how soon that is found.
func tryFaults() {
	fmt.Println("| fault | found as, or why it changes nothing | steps | states | seconds |\n|---|---|---|---|---|")
	for _, c := range explore.Cases() {
		found, with, err := c.Try()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		how, steps := "nothing is broken: "+c.Why, "-"
		if found != nil {
			how, steps = found.Promise, fmt.Sprint(len(found.Steps))
		}
		fmt.Printf("| %s | %s | %s | %d | %.2f |\n", c.What, how, steps, with.States, with.Took.Seconds())
	}
}
