package entratest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"
)

// maxGraphBody is the largest body that Graph reads, before and after decompression.
const maxGraphBody = 4 << 20

// readObject reads the body of a write request as a JSON object, without its OData annotations.
func (req *graphRequest) readObject() (map[string]any, *graphError) {
	values, refusal := req.readAnnotated()
	return withoutAnnotations(values), refusal
}

// withoutAnnotations is a body without what is about it and not in it.
func withoutAnnotations(body map[string]any) map[string]any {
	maps.DeleteFunc(body, func(name string, _ any) bool { return strings.Contains(name, "@odata.") })
	return body
}

// readOptionalObject is readObject for an action whose parameters can all be left out, and the body with them.
func (req *graphRequest) readOptionalObject() (map[string]any, *graphError) {
	if req.Body == nil || req.Body == http.NoBody || req.ContentLength == 0 {
		return nil, nil
	}
	return req.readObject()
}

// readAnnotated reads the body of a write request as a JSON object.
func (req *graphRequest) readAnnotated() (map[string]any, *graphError) {
	raw, refusal := req.readBody()
	if refusal != nil {
		return nil, refusal
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, badRequest("Empty Payload. JSON content expected.")
	}
	var values map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&values); err != nil || values == nil || !atEnd(dec) {
		return nil, badRequest("Unable to read JSON request payload. Please ensure Content-Type header is set and " +
			"payload is of valid JSON format.")
	}
	return values, nil
}

func atEnd(dec *json.Decoder) bool {
	_, err := dec.Token()
	return errors.Is(err, io.EOF)
}

// readBody reads the body, decompressing it if it says so: Microsoft's SDKs compress what they send.
func (req *graphRequest) readBody() ([]byte, *graphError) {
	mediaType, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil {
		return nil, badRequest("Write requests (excluding DELETE) must contain the Content-Type header declaration.")
	}
	if mediaType != "application/json" {
		return nil, unsupportedMedia("The media type '%s' is not supported.", mediaType)
	}
	body := io.Reader(io.LimitReader(req.Body, maxGraphBody+1))
	switch encoding := strings.ToLower(req.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, badRequest("The request body is not valid gzip.")
		}
		body = io.LimitReader(unzipped, maxGraphBody+1)
	default:
		return nil, unsupportedMedia("The content encoding '%s' is not supported.", encoding)
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, badRequest("The request body could not be read.")
	}
	if len(raw) > maxGraphBody {
		return nil, &graphError{
			status: http.StatusRequestEntityTooLarge, code: "Request_BadRequest",
			message: "The request body is larger than 4 MB.",
		}
	}
	return raw, nil
}

func unsupportedMedia(format string, value string) *graphError {
	return &graphError{
		status: http.StatusUnsupportedMediaType, code: "BadRequest", message: fmt.Sprintf(format, value),
	}
}
