package peoplefile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/provision"
)

// jsonParser reads people from JSON objects, one on each line. A value is a string, a number, or null; the claims may
// also be an object of these.
type jsonParser struct {
	columns []ColumnRule
	unused  []string // up to maxUnused
}

func (j *jsonParser) unusedColumns() []string { return j.unused }

func (j *jsonParser) parse(line string, p *provision.Person) (blank bool, err error) {
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	token, err := decoder.Token()
	if err != nil || token != json.Delim('{') {
		return false, errors.New("it is not a JSON object")
	}
	if err := j.object(decoder, "", p, map[string]bool{}); err != nil {
		return false, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return false, errors.New("there is more after the JSON object")
	}
	return false, nil
}

// object reads the members of an object whose brace is read. prefix is what their names begin with.
func (j *jsonParser) object(decoder *json.Decoder, prefix string, p *provision.Person, given map[string]bool) error {
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return invalidJSON(err)
		}
		if err := j.member(decoder, prefix+name, p, given); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return invalidJSON(err)
	}
	return nil
}

// member reads the value of one name.
func (j *jsonParser) member(decoder *json.Decoder, name string, p *provision.Person, given map[string]bool) error {
	properties := propertiesOf(name, j.columns)
	isClaims := strings.EqualFold(name+".", claimPrefix)
	if len(properties) == 0 && !isClaims {
		j.remember(name)
		var ignored json.RawMessage
		return invalidJSON(decoder.Decode(&ignored))
	}
	token, err := decoder.Token()
	if err != nil {
		return invalidJSON(err)
	}
	if token == json.Delim('{') && isClaims {
		return j.object(decoder, claimPrefix, p, given)
	}
	value, err := textOf(token)
	if err != nil || len(properties) == 0 && token != nil {
		return fmt.Errorf("%q is not a string or a number", name)
	}
	for _, property := range properties {
		if given[property] {
			return fmt.Errorf("it says twice what is %s", property)
		}
		given[property] = true
		setProperty(p, property, value)
	}
	return nil
}

// textOf is a value as text. A number is taken as it is written.
func textOf(token json.Token) (string, error) {
	switch value := token.(type) {
	case nil:
		return "", nil
	case string:
		return value, nil
	case json.Number:
		return value.String(), nil
	}
	return "", errors.New("it is not a text")
}

// invalidJSON does not wrap its cause: the io.EOF of a line that breaks off is not that of the input.
func invalidJSON(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("it is not valid JSON: %v", err)
}

// maxUnused is how many names that give nothing are remembered.
const maxUnused = 20

func (j *jsonParser) remember(name string) {
	if len(j.unused) < maxUnused && !slices.Contains(j.unused, name) {
		j.unused = append(j.unused, name)
	}
}
