package provision

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const maxConnectionRules = 1 << 20 // bytes of JSON

// ReadConnectionRules reads a list of rules, a JSON array of at most 1 MiB. It refuses what could let people in whom nobody
// meant: an empty list, a field that it does not know, one that is there twice (in any case), null, and anything after the
// array. What the rules say is checked by [New].
func ReadConnectionRules(r io.Reader) ([]ConnectionRule, error) {
	rules, err := readConnectionRules(r)
	if err != nil {
		return nil, fmt.Errorf("provision: reading the connection rules: %w", err)
	}
	return rules, nil
}

func readConnectionRules(r io.Reader) (rules []ConnectionRule, err error) {
	text, err := io.ReadAll(io.LimitReader(r, maxConnectionRules+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxConnectionRules:
		return nil, fmt.Errorf("they have more than %d bytes", maxConnectionRules)
	case !utf8.Valid(text):
		return nil, errors.New("they are not valid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&rules); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the list")
	}
	if err := strictly(json.NewDecoder(bytes.NewReader(text)), folded); err != nil {
		return nil, err
	}
	if len(rules) == 0 {
		return nil, errNoRules
	}
	return rules, nil
}

var errNoRules = errors.New("the list is empty: it would let everybody in; to refuse everybody, have one rule do so")

// folded is the same for all names that encoding/json takes for one field: in both directions, because of "\u017f" and
// "\u212a", which are an s and a K.
func folded(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// strictly reads a value that encoding/json has taken, and refuses what that passes over: null, which leaves a condition
// out, and names that are there twice, of which the last would count. Names are the same if same makes them so.
func strictly(decoder *json.Decoder, same func(string) string) error {
	token, err := decoder.Token()
	switch {
	case err != nil:
		return err
	case token == nil:
		return fmt.Errorf("null at byte %d: leave the field out", decoder.InputOffset())
	case token != json.Delim('{') && token != json.Delim('['):
		return nil
	}
	seen := make(map[string]bool)
	for decoder.More() {
		inside := same
		if token == json.Delim('{') {
			token, err := decoder.Token()
			name, ok := token.(string)
			switch {
			case err != nil || !ok:
				return errors.Join(errors.New("a name is missing"), err)
			case seen[same(name)]:
				return fmt.Errorf("%q is there twice, at byte %d", name, decoder.InputOffset())
			}
			seen[same(name)] = true
			if strings.EqualFold(name, "claims") || strings.EqualFold(name, "attributes") {
				inside = func(name string) string { return name } // these names are not those of fields
			}
		}
		if err := strictly(decoder, inside); err != nil {
			return err
		}
	}
	_, err = decoder.Token() // the end of it
	return err
}
