package entrafed_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// publicPackages are the folders whose packages users import.
var publicPackages = []string{".", "saml", "smartlink", "provision", "provision/sqlstore", "provision/storetest", "provision/river", "msgraph",
	"adapters", "adapters/adaptertest", "adapters/session", "adapters/crewjam", "adapters/oidc",
	"adapters/ldap", "federation", "federation/entratest"}

func parsed(t *testing.T, dir string, tests bool) ([]*ast.File, *token.FileSet) {
	t.Helper()
	fset := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") != tests {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, file)
	}
	return files, fset
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	t.Parallel()
	for _, dir := range publicPackages {
		files, fset := parsed(t, dir, false)
		pkg, err := doc.NewFromFiles(fset, files, "github.com/entrafed/entrafed/"+dir)
		require.NoError(t, err)
		require.NotEmpty(t, pkg.Doc, dir)
		for name, text := range exported(pkg) {
			require.NotEmpty(t, text, "%s: %s has no documentation", dir, name)
		}
	}
}

func exported(pkg *doc.Package) map[string]string {
	docs := map[string]string{}
	values := func(all []*doc.Value) {
		for _, v := range all {
			docs[strings.Join(v.Names, ", ")] = v.Doc + specComments(v.Decl)
		}
	}
	functions := func(prefix string, all []*doc.Func) {
		for _, f := range all {
			docs[prefix+f.Name] = f.Doc
		}
	}
	values(pkg.Consts)
	values(pkg.Vars)
	functions("", pkg.Funcs)
	for _, typ := range pkg.Types {
		docs[typ.Name] = typ.Doc
		values(typ.Consts)
		values(typ.Vars)
		functions("", typ.Funcs)
		for _, m := range typ.Methods {
			// Error, Unwrap and the like say what their interface says.
			if !slices.Contains([]string{"Error", "Unwrap", "Is", "As", "String"}, m.Name) {
				docs[typ.Name+"."+m.Name] = m.Doc
			}
		}
	}
	return docs
}

// specComments are the comments on the single values of a group.
func specComments(decl *ast.GenDecl) string {
	var text strings.Builder
	for _, spec := range decl.Specs {
		if value, ok := spec.(*ast.ValueSpec); ok {
			text.WriteString(value.Doc.Text() + value.Comment.Text())
		}
	}
	return text.String()
}

func TestEveryPackageHasARunnableExample(t *testing.T) {
	t.Parallel()
	for _, dir := range publicPackages {
		files, _ := parsed(t, dir, true)
		runnable := slices.ContainsFunc(doc.Examples(files...), func(e *doc.Example) bool { return e.Output != "" })
		require.True(t, runnable, "%s has no Example with Output", dir)
	}
}

// Each module of the workspace says the same about Go.
func TestEveryModuleHasTheSameGoDirective(t *testing.T) {
	t.Parallel()
	var directives []string
	for _, file := range repositoryFiles(t, "go.mod") {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range strings.Lines(string(content)) {
			if strings.HasPrefix(line, "go ") {
				directives = append(directives, line)
			}
		}
	}
	require.NotEmpty(t, directives)
	require.Len(t, slices.Compact(directives), 1)
}

// repositoryFiles are the paths, with slashes, of the files whose names end so.
func repositoryFiles(t *testing.T, suffix string) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(entry.Name(), suffix):
			files = append(files, filepath.ToSlash(path))
		}
		return nil
	}))
	return files
}
