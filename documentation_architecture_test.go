package entrafed_test

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	inBackticks = regexp.MustCompile("`([a-z][a-z/]*[a-z*])`")
	moduleName  = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+$`)
	majorPath   = regexp.MustCompile(`/v[0-9]+$`)
)

// Each folder with a package is named in ARCHITECTURE.md, or is below one that is named with a star.
func TestTheArchitectureNamesEveryPackage(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("ARCHITECTURE.md")
	require.NoError(t, err)
	named := map[string]bool{".": true}
	for _, match := range inBackticks.FindAllStringSubmatch(string(content), -1) {
		named[match[1]] = true
	}
	for _, dir := range packageFolders(t) {
		known := named[dir]
		for above := path.Dir(dir); above != "."; above = path.Dir(above) {
			known = known || named[above+"/*"]
		}
		require.True(t, known, "ARCHITECTURE.md does not say what %s is", dir)
	}
}

// packageFolders are the folders that have Go files, but for those of test data.
func packageFolders(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, file := range repositoryFiles(t, ".go") {
		if dir := path.Dir(file); !strings.Contains(dir, "testdata") {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// ARCHITECTURE.md has a reason for each module that ours require: in its first table for the root, and in its second table,
// which says where, for the modules of their own. What is in the first one needs no second reason.
func TestTheArchitectureHasAReasonForEveryDependency(t *testing.T) {
	t.Parallel()
	reasons := dependencyReasons(t)
	required := map[string][]string{}
	for _, file := range repositoryFiles(t, "go.mod") {
		dir := path.Dir(file)
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, module := range directRequirements(string(content)) {
			required[module] = append(required[module], dir)
			if !slices.Contains(reasons[module], ".") {
				require.Contains(t, reasons[module], dir, "ARCHITECTURE.md does not say why %s has %s", dir, module)
			}
		}
	}
	require.NotEmpty(t, required)
	for module, dirs := range reasons {
		require.Subset(t, required[module], dirs, "ARCHITECTURE.md has a reason for %s in %s, which nobody needs", module, dirs)
	}
}

// dependencyReasons are the folders of the modules for which each dependency is explained; "." is the root.
func dependencyReasons(t *testing.T) map[string][]string {
	t.Helper()
	content, err := os.ReadFile("ARCHITECTURE.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(content), "\n## Dependencies\n")
	require.True(t, found)
	reasons := map[string][]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		where := []string{"."}
		if len(cells) == 3 {
			where = nil
			for _, match := range inBackticks.FindAllStringSubmatch(cells[1], -1) {
				where = append(where, match[1])
			}
		}
		if len(cells) < 2 {
			continue
		}
		for name := range strings.SplitSeq(cells[0], ", ") {
			if moduleName.MatchString(name) {
				reasons[name] = append(reasons[name], where...)
			}
		}
	}
	return reasons
}

// directRequirements are the modules that a go.mod requires for code of its own, without our own and without versions.
func directRequirements(mod string) []string {
	var modules []string
	for line := range strings.Lines(mod) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) != 2 || !strings.HasPrefix(fields[1], "v") || strings.HasPrefix(fields[0], "github.com/entrafed/") {
			continue
		}
		modules = append(modules, majorPath.ReplaceAllString(fields[0], ""))
	}
	return modules
}
