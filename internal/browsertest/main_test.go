package browsertest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen. It is generous: nothing is decided by it but how soon a
// broken page is noticed.
const patience = 90 * time.Second

var pictures = flag.String("pictures", "", "take pictures of the pages and write them to this `directory`")

// stage is what all tests share. TestMain sets it.
var stage struct {
	browser    context.Context // of the running Chromium; nil without one
	quickstart string          // the program
	showcase   string          // the program
	npm        string          // the folder with the packages of testdata/package.json; empty without npm
	npmMissing error           // why it is empty
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(onStage(m))
}

func onStage(m *testing.M) int {
	chromium, found := findChromium()
	if !found || testing.Short() {
		return m.Run() // every test says why it is skipped
	}
	dir, err := os.MkdirTemp("", "entrafed-browsertest-")
	if err != nil {
		return giveUp(err)
	}
	defer os.RemoveAll(dir)
	if stage.quickstart, err = buildProgram(dir, "./examples/quickstart"); err != nil {
		return giveUp(err)
	}
	if stage.showcase, err = buildProgram(dir, "./internal/showcase"); err != nil {
		return giveUp(err)
	}
	stage.npm, stage.npmMissing = installPackages(filepath.Join(dir, "npm"))
	browser, closeBrowser, err := startChromium(chromium, filepath.Join(dir, "profile"))
	if err != nil {
		return giveUp(err)
	}
	defer closeBrowser()
	stage.browser = browser
	return m.Run()
}

func giveUp(err error) int {
	fmt.Fprintln(os.Stderr, "browsertest:", err)
	return 1
}
