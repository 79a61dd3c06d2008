package browsertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// installPackages installs what testdata/package-lock.json names into a new folder, so that the repository stays as it is.
func installPackages(dir string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("there is no npm here: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return "", err
		}
	}
	install := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if output, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, output)
	}
	return dir, nil
}

// npmPackage returns the path of a file of a package, or skips the test.
func npmPackage(t *testing.T, path ...string) string {
	t.Helper()
	needChromium(t)
	if stage.npm == "" {
		t.Skipf("axe-core and acorn cannot be installed: %v", stage.npmMissing)
	}
	return filepath.Join(append([]string{stage.npm, "node_modules"}, path...)...)
}
