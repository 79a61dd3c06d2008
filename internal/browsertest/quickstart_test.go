package browsertest

import (
	"bufio"
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// buildProgram builds a program of this repository as a user would, and returns its path.
func buildProgram(dir, source string) (string, error) {
	program := filepath.Join(dir, filepath.Base(source))
	build := exec.Command("go", "build", "-o", program, source)
	build.Dir = filepath.Join("..", "..")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s cannot be built: %w\n%s", source, err, output)
	}
	return program, nil
}

// quickstart is a running quickstart: an identity provider and a simulated tenant.
type quickstart struct {
	home   string // of the identity provider, without a trailing slash
	tenant string // the simulated Microsoft 365, likewise
}

// startQuickstart runs the program until the test ends, on ports that are free, with nobody provisioned yet.
func startQuickstart(t *testing.T, flags ...string) quickstart {
	t.Helper()
	needChromium(t)
	lines := startProgram(t, stage.quickstart, append([]string{"-addr", "127.0.0.1:0", "-tenant-addr", "127.0.0.1:0"}, flags...)...)
	return quickstart{home: readAddress(t, lines, "Open"), tenant: readAddress(t, lines, "Tenant")}
}

// startProgram runs a program until the test ends, and returns what it prints.
func startProgram(t *testing.T, path string, arguments ...string) *bufio.Reader {
	t.Helper()
	var complaints bytes.Buffer
	program := exec.Command(path, arguments...)
	program.Stderr = &complaints
	program.WaitDelay = time.Second
	output, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	t.Cleanup(func() {
		_ = program.Process.Signal(os.Interrupt)
		_ = output.Close()
		require.NoError(t, program.Wait(), "%s does not end in order: %s", path, &complaints)
	})
	return bufio.NewReader(output)
}

var addressLine = regexp.MustCompile(`^(\w+) +(http://127\.0\.0\.1:\d+)/`)

// readAddress reads the next line that the program prints, which names an address.
func readAddress(t *testing.T, lines *bufio.Reader, name string) string {
	t.Helper()
	line, err := lines.ReadString('\n')
	require.NoError(t, err, "the quickstart ended before it said where it is")
	found := addressLine.FindStringSubmatch(line)
	require.NotNil(t, found, "no address: %q", line)
	require.Equal(t, name, found[1])
	return found[2]
}

// document is the address of the document that the quickstart's links lead to.
func (q quickstart) document() string { return q.tenant + "/sharepoint/sites/welcome" }

// smartLink leads through Microsoft's sign-in to a target.
func (q quickstart) smartLink(target string) string {
	return q.home + "/entra/go?to=" + url.QueryEscape(target)
}

// startLink signs in at the identity provider first.
func (q quickstart) startLink(target string) string {
	return q.home + "/entra/start?to=" + url.QueryEscape(target)
}
