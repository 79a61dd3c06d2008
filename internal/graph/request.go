package graph

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"

	abstractions "github.com/microsoft/kiota-abstractions-go"
)

// request is a request below /v1.0 that none of the SDK's builders in use makes: for groups, deleted users, batches and
// changes. The template is one of RFC 6570. A package of builders more would be dear (that for groups has 1,460 files),
// and none of them takes all that these requests need.
func request(method abstractions.HttpMethod, template string,
	path map[string]string) *abstractions.RequestInformation {
	if path == nil {
		path = map[string]string{} // the adapter writes the base URL into it
	}
	r := abstractions.NewRequestInformationWithMethodAndUrlTemplateAndPathParameters(method, "{+baseurl}"+template, path)
	r.Headers.Add("Accept", jsonType)
	return r
}

const jsonType = "application/json"

// setJSON makes body the content of the request.
func setJSON(r *abstractions.RequestInformation, body any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r.SetStreamContentAndContentType(content, jsonType)
	return nil
}

// readJSON sends the request and reads the answer into v, without the SDK's models.
func (c *Client) readJSON(ctx context.Context, r *abstractions.RequestInformation, v any) error {
	content, err := c.adapter.SendPrimitive(ctx, r, "[]byte", nil)
	if err != nil {
		return err
	}
	text, _ := content.([]byte)
	mediaType, _, err := mime.ParseMediaType(callOf(ctx).header.Get("Content-Type"))
	if err != nil || mediaType != jsonType {
		return errors.New("it is not JSON")
	}
	return json.Unmarshal(text, v)
}

// sendJSON sends a change that is answered with 204, or with 200 and the object, which is not read.
func (c *Client) sendJSON(ctx context.Context, operation string, method abstractions.HttpMethod, template string,
	path map[string]string, body any) error {
	return c.do(ctx, operation, func(ctx context.Context) error {
		r := request(method, template, path)
		if err := setJSON(r, body); err != nil {
			return err
		}
		if _, err := c.adapter.SendPrimitive(ctx, r, "[]byte", nil); err != nil {
			return err
		}
		if status := callOf(ctx).status; status != http.StatusNoContent && status != http.StatusOK &&
			status != http.StatusCreated {
			return errors.New("it should be 200, 201 or 204")
		}
		return nil
	})
}

// remove makes a call that removes something.
func (c *Client) remove(ctx context.Context, operation, template string, path map[string]string) error {
	return c.do(ctx, operation, func(ctx context.Context) error {
		return c.sendOnly(ctx, request(abstractions.DELETE, template, path))
	})
}

// sendOnly sends a request that Graph answers with 204.
func (c *Client) sendOnly(ctx context.Context, r *abstractions.RequestInformation) error {
	if err := c.adapter.SendNoContent(ctx, r, nil); err != nil {
		return err
	}
	return done(ctx)
}

// done says that the call was answered with 204: any other success is somebody else's, say of a gateway that asks for a
// sign-in of its own.
func done(ctx context.Context) error {
	if callOf(ctx).status != http.StatusNoContent {
		return errors.New("it should be 204 and without content")
	}
	return nil
}

// directoryObject is the URL by which a body refers to an object. It is of this cloud's Graph: an object elsewhere is not
// in the tenant.
func (c *Client) directoryObject(objectID string) string {
	return c.access.origin.String() + version + "/directoryObjects/" + objectID
}

// getAt asks for what is at a URL of this Graph.
func getAt(target *url.URL) *abstractions.RequestInformation {
	r := request(abstractions.GET, "", nil)
	r.SetUri(*target)
	return r
}
