package peoplefile_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/peoplefile"
	"github.com/entrafed/entrafed/provision"
)

type (
	options    = peoplefile.Options
	columnRule = peoplefile.ColumnRule
)

// entry is one person of an input, or why there is none.
type entry struct {
	line   int
	person provision.Person
	err    string
}

// entries reads all of an input.
func entries(t testing.TB, text string, o options) (list []entry) {
	t.Helper()
	s, err := peoplefile.NewReader(strings.NewReader(text), o)
	require.NoError(t, err)
	for {
		p, err := s.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		e := entry{line: s.Line(), person: p}
		if err != nil {
			require.True(t, peoplefile.IsBadLine(err), err)
			e.err = err.Error()
		}
		list = append(list, e)
	}
}

func googler(id, email string) provision.Person {
	return provision.Person{Connection: "google", ID: id, Email: email}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	const header = "connection,id,email\n"
	for _, c := range []struct {
		name string
		text string
		o    options
		want []entry
	}{
		{"a line for a person", header + "google,1,a@example.net\ngoogle,2,b@example.net\n", options{},
			[]entry{{2, googler("1", "a@example.net"), ""}, {3, googler("2", "b@example.net"), ""}}},
		{"nobody", header, options{}, nil},
		{"no line end at the end", header + "google,1,a@example.net", options{}, []entry{{2, googler("1", "a@example.net"), ""}}},
		{"a byte order mark", "\ufeff" + header + "google,1,\n", options{}, []entry{{2, googler("1", ""), ""}}},
		{"CRLF", "connection,id,email\r\ngoogle,1,a\r\n", options{}, []entry{{2, googler("1", "a"), ""}}},
		{"empty lines do not count", "\n" + header + "\n  \r\ngoogle,1,a\n\n,,\ngoogle,2,b\n", options{},
			[]entry{{5, googler("1", "a"), ""}, {8, googler("2", "b"), ""}}},
		{"semicolons", "connection;id;email\ngoogle;1;a,b\n", options{}, []entry{{2, googler("1", "a,b"), ""}}},
		{"tabs", "connection\tid\temail\ngoogle\t1\ta;b\n", options{}, []entry{{2, googler("1", "a;b"), ""}}},
		{"quotes", header + `"google","1,""one""","a"` + "\n", options{}, []entry{{2, googler(`1,"one"`, "a"), ""}}},
		{"spaces around values", header + "google , 1,\ta \n", options{}, []entry{{2, googler("1", "a"), ""}}},
		{"fields are missing, and the rest goes on", header + "google,1\ngoogle,2,b\n", options{},
			[]entry{{2, provision.Person{}, "line 2: it has 2 fields, and the first line has 3"}, {3, googler("2", "b"), ""}}},
		{"fields too many", header + "google,1,a,b\n", options{},
			[]entry{{2, provision.Person{}, "line 2: it has 4 fields, and the first line has 3"}}},
		{"a quote that is not closed spoils its line only", header + "google,\"1,a\ngoogle,2,b\n", options{},
			[]entry{{2, provision.Person{}, "line 2: a quote is not closed in its line"}, {3, googler("2", "b"), ""}}},
		{"a quote inside", header + "google,1\"2,a\n", options{},
			[]entry{{2, provision.Person{}, "line 2: field 2 has a quote in it and is not in quotes"}}},
		{"text after the quotes", header + "google,\"1\"2,a\n", options{},
			[]entry{{2, provision.Person{}, "line 2: a closing quote is not followed by the next field"}}},
		{"bad UTF-8", header + "google,1,\xff\ngoogle,2,b\n", options{},
			[]entry{{2, provision.Person{}, "line 2: it is not valid UTF-8"}, {3, googler("2", "b"), ""}}},
		{"a line that is too long", header + "google,1," + strings.Repeat("a", peoplefile.MaxLine) + "\ngoogle,2,b\n", options{},
			[]entry{{2, provision.Person{}, "line 2: it has more than 1048576 bytes"}, {3, googler("2", "b"), ""}}},
		{"a line that is just not too long", header + "google,1," + strings.Repeat("a", peoplefile.MaxLine-9) + "\n", options{},
			[]entry{{2, googler("1", strings.Repeat("a", peoplefile.MaxLine-9)), ""}}},
		{"names in any case", "Connection,ID,E-Mail,Display Name,givenName,USAGE-LOCATION\ngoogle,1,a,B,C,DE\n", options{},
			[]entry{{2, provision.Person{Connection: "google", ID: "1", Email: "a", DisplayName: "B", GivenName: "C",
				UsageLocation: "DE"}, ""}}},
		{"all other columns", "connection,id,surname,upn,immutable_id,manager,claims.Dept,Claims.floor\n" +
			"google,1,A,b@contoso.com,c,d@contoso.com,E,\n", options{},
			[]entry{{2, provision.Person{Connection: "google", ID: "1", Surname: "A", UPN: "b@contoso.com", ImmutableID: "c",
				Manager: "d@contoso.com", Claims: map[string]string{"Dept": "E", "floor": ""}}, ""}}},
		{"columns of another name", "Source,No,ID,Mail\ngoogle,1,9,a\n", options{Columns: []columnRule{
			{"connection", "source"}, {"id", "No"}, {"email", "Mail"}, {"claims.mail", "mail"}}},
			[]entry{{2, provision.Person{Connection: "google", ID: "1", Email: "a", Claims: map[string]string{"mail": "a"}}, ""}}},
		{"a connection for everybody", "id,email\n1,a\n", options{Connection: "google"}, []entry{{2, googler("1", "a"), ""}}},
		{"a connection for those without one", header + ",1,a\nldap,2,b\n", options{Connection: "google"},
			[]entry{{2, googler("1", "a"), ""}, {3, provision.Person{Connection: "ldap", ID: "2", Email: "b"}, ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.o.Format = peoplefile.CSV
			require.Equal(t, c.want, entries(t, c.text, c.o))
		})
	}
}

func TestAFirstLineThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		o          options
		want       string
	}{
		{"nothing", "", options{}, "the input is empty"},
		{"UTF-16", "\xff\xfei\x00d\x00", options{}, "not valid UTF-8"},
		{"a quote that is not closed", `connection,"id`, options{}, "line 1: a quote is not closed"},
		{"no id", "connection,email", options{}, `no column "id"`},
		{"no connection", "id,email", options{}, `no column "connection"`},
		{"a column twice", "connection,id,email,E-Mail", options{}, `"email" and "E-Mail" both say what is email`},
		{"a rule for a column that is not there", "connection,id", options{Columns: []columnRule{{"email", "Mail"}}},
			`no column "Mail"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.o.Format = peoplefile.CSV
			_, err := peoplefile.NewReader(strings.NewReader(c.text), c.o)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		text string
		o    options
		want []entry
	}{
		{"an object for a person", `{"connection":"google","id":"1","email":"a"}` + "\r\n\n" + `{"connection":"google","id":"2"}`,
			options{}, []entry{{1, googler("1", "a"), ""}, {3, googler("2", ""), ""}}},
		{"names in any case", `{"Connection":"google","ID":"1","givenName":"A","display_name":"B"}`, options{},
			[]entry{{1, provision.Person{Connection: "google", ID: "1", GivenName: "A", DisplayName: "B"}, ""}}},
		{"numbers as they are written", `{"connection":"google","id":10400000000000000001}`, options{},
			[]entry{{1, googler("10400000000000000001", ""), ""}}},
		{"null", `{"connection":"google","id":"1","email":null}`, options{}, []entry{{1, googler("1", ""), ""}}},
		{"claims", `{"connection":"google","id":"1","claims":{"dept":"A","floor":3},"claims.x":"B"}`, options{},
			[]entry{{1, provision.Person{Connection: "google", ID: "1", Claims: map[string]string{"dept": "A", "floor": "3", "x": "B"}}, ""}}},
		{"no claims", `{"connection":"google","id":"1","claims":null}`, options{}, []entry{{1, googler("1", ""), ""}}},
		{"other names are not used", `{"connection":"google","x":{"id":[1,{"id":"9"}]},"id":"1"}`, options{},
			[]entry{{1, googler("1", ""), ""}}},
		{"names by rules", `{"no":"1","id":"9"}`, options{Connection: "google", Columns: []columnRule{{"id", "no"}}},
			[]entry{{1, googler("1", ""), ""}}},
		{"a property twice", `{"connection":"google","id":"1","ID":"2"}`, options{},
			[]entry{{1, provision.Person{}, "line 1: it says twice what is id"}}},
		{"a claim twice", `{"id":"1","claims":{"a":"1"},"claims.a":"2"}`, options{},
			[]entry{{1, provision.Person{}, "line 1: it says twice what is claims.a"}}},
		{"a value that is no text", `{"connection":"google","id":true}` + "\n" + `{"connection":"google","id":["1"]}`, options{},
			[]entry{{1, provision.Person{}, `line 1: "id" is not a string or a number`},
				{2, provision.Person{}, `line 2: "id" is not a string or a number`}}},
		{"claims that are no object", `{"claims":"a"}`, options{},
			[]entry{{1, provision.Person{}, `line 1: "claims" is not a string or a number`}}},
		{"claims in claims", `{"claims":{"a":{"b":"c"}}}`, options{},
			[]entry{{1, provision.Person{}, `line 1: "claims.a" is not a string or a number`}}},
		{"no object", `["google","1"]` + "\n" + `{"connection":"google","id":"2"}`, options{},
			[]entry{{1, provision.Person{}, "line 1: it is not a JSON object"}, {2, googler("2", ""), ""}}},
		{"more than an object", `{"connection":"google","id":"1"} {}`, options{},
			[]entry{{1, provision.Person{}, "line 1: there is more after the JSON object"}}},
		{"bad UTF-8", "{\"id\":\"\xff\"}", options{}, []entry{{1, provision.Person{}, "line 1: it is not valid UTF-8"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.o.Format = peoplefile.JSONLines
			require.Equal(t, c.want, entries(t, c.text, c.o))
		})
	}
}

func TestJSONThatBreaksOff(t *testing.T) {
	t.Parallel()
	const whole = `{"connection":"google","id":"1","claims":{"a":"b"},"x":[1]}`
	for n := 1; n < len(whole); n++ {
		got := entries(t, whole[:n], options{Format: peoplefile.JSONLines})
		require.Len(t, got, 1)
		require.Contains(t, got[0].err, "JSON", whole[:n])
	}
}

func TestNamesThatAreNotUsedAreRememberedUpToABound(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 100 {
		text.WriteString(`{"x` + strings.Repeat("x", i) + `":1,"x":2}` + "\n")
	}
	s, err := peoplefile.NewReader(strings.NewReader(text.String()), options{Format: peoplefile.JSONLines})
	require.NoError(t, err)
	for range 100 {
		_, err := s.Next()
		require.NoError(t, err)
	}
	require.Len(t, s.UnusedColumns(), peoplefile.MaxUnused)
}

func TestAReaderThatFailsEndsTheInput(t *testing.T) {
	t.Parallel()
	gone := errors.New("the disk is gone")
	text := io.MultiReader(strings.NewReader("connection,id\ngoogle,1\ngoo"), iotest.ErrReader(gone))
	s, err := peoplefile.NewReader(text, options{Format: peoplefile.CSV})
	require.NoError(t, err)
	_, err = s.Next()
	require.NoError(t, err)
	_, err = s.Next()
	require.ErrorIs(t, err, gone)
	require.False(t, peoplefile.IsBadLine(err))
	require.ErrorContains(t, err, "after line 2")
}

func TestLinesAreReadInAnyPortions(t *testing.T) {
	t.Parallel()
	text := "connection,id\r\ngoogle,1\r\n" + strings.Repeat("x", peoplefile.MaxLine+10) + "\ngoogle,2"
	s, err := peoplefile.NewReader(iotest.OneByteReader(strings.NewReader(text)), options{Format: peoplefile.CSV})
	require.NoError(t, err)
	var ids []string
	for {
		p, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		ids = append(ids, p.ID)
	}
	require.Equal(t, []string{"1", "", "2"}, ids)
}

// What encoding/csv makes of one line, SplitRecord makes of it.
func FuzzSplitRecord(f *testing.F) {
	for _, s := range []string{"a,b", `"a","b"`, `"a""b",`, `a"b`, `"a`, `"a"b`, ",", `""`, " \"a\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if line == "" || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) {
			return
		}
		reader := csv.NewReader(strings.NewReader(line))
		want, wantErr := reader.Read()
		got, err := peoplefile.SplitRecord(line, ',')
		require.Equal(t, wantErr == nil, err == nil, "%v, and %v", wantErr, err)
		if err == nil {
			require.Equal(t, want, got)
		}
	})
}

func FuzzCSV(f *testing.F) {
	sample, err := os.ReadFile("../../provision/testdata/people.csv")
	require.NoError(f, err)
	f.Add(sample)
	f.Add([]byte("id;connection\n\"1;2\n\xff;3\n;\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		readAll(t, text, options{Format: peoplefile.CSV, Connection: "google"})
	})
}

func FuzzJSONLines(f *testing.F) {
	f.Add([]byte(`{"connection":"google","id":"1","claims":{"a":"b"},"x":[1]}`))
	f.Add([]byte("\ufeff{}\r\n[]\n{\"id\":1e400}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		readAll(t, text, options{Format: peoplefile.JSONLines})
		for _, line := range bytes.Split(text, []byte("\n")) {
			s, err := peoplefile.NewReader(bytes.NewReader(line), options{Format: peoplefile.JSONLines})
			require.NoError(t, err)
			if _, err := s.Next(); err == nil {
				require.True(t, json.Valid(bytes.TrimPrefix(line, []byte("\ufeff"))), "%q", line)
			}
		}
	})
}

// readAll requires that whatever comes, each line is at most one person, and that what is read is text.
func readAll(t *testing.T, text []byte, o options) {
	s, err := peoplefile.NewReader(bytes.NewReader(text), o)
	if err != nil {
		return
	}
	last := 0
	for {
		p, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.Greater(t, s.Line(), last)
		last = s.Line()
		if err != nil {
			require.True(t, peoplefile.IsBadLine(err))
			continue
		}
		require.True(t, utf8.ValidString(p.Connection+p.ID+p.Email+p.DisplayName))
	}
	require.LessOrEqual(t, last, bytes.Count(text, []byte("\n"))+1)
}
