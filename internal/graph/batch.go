package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	jsonserialization "github.com/microsoft/kiota-serialization-json-go"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
)

// MaxBatch is how many requests one batch has at most: https://learn.microsoft.com/graph/json-batching.
const MaxBatch = 20

// Created is what became of one user of a batch.
type Created struct {
	User User
	Err  error
}

// CreateUsers calls POST /$batch with one POST /users for each user. The result of each is in the place of its user; the
// error is that of the batch as such. A user who cannot be sent is left out of the batch.
//
// The batches of msgraph-sdk-go-core are not used: they read the answers through process-wide registries, and panic over
// one that is missing.
func (c *Client) CreateUsers(ctx context.Context, users []NewUser) ([]Created, error) {
	if len(users) == 0 || len(users) > MaxBatch {
		return nil, fmt.Errorf("graph: a batch creates 1 to %d users, not %d", MaxBatch, len(users))
	}
	created := make([]Created, len(users))
	requests, err := c.creations(users, created, c.priority(traceOf(ctx)))
	if err != nil {
		return nil, err
	}
	if len(requests) == 0 {
		return created, nil
	}
	err = c.do(ctx, "POST /$batch", func(ctx context.Context) error {
		callOf(ctx).hide(users...)
		r := request(abstractions.POST, "/$batch", nil)
		if err := setJSON(r, map[string]any{"requests": requests}); err != nil {
			return err
		}
		var answer batchAnswer
		if err := c.readJSON(ctx, r, &answer); err != nil {
			return err
		}
		if answer.Responses == nil {
			return errors.New("it holds no list of answers")
		}
		answers := readInnerAnswers(answer)
		for _, sent := range requests {
			created[sent.place] = c.readCreated(ctx, answers[sent.ID], users[sent.place].UserPrincipalName)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return created, nil
}

// innerRequest is one request of a batch.
type innerRequest struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"` // below the version
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`

	place int // of the user
}

// creations makes the requests. What cannot be sent is an error in its place.
func (c *Client) creations(users []NewUser, created []Created, priority string) ([]innerRequest, error) {
	var requests []innerRequest
	for place, user := range users {
		body, err := newUserBody(user)
		if err != nil {
			created[place].Err = err
			continue
		}
		content, err := c.serialize(body)
		if err != nil {
			return nil, fmt.Errorf("graph: a user of the batch cannot be written: %w", err)
		}
		requests = append(requests, innerRequest{
			ID: strconv.Itoa(place + 1), Method: http.MethodPost, URL: "/users", Body: content, place: place,
			Headers: map[string]string{"Content-Type": jsonType, "x-ms-throttle-priority": priority},
		})
	}
	return requests, nil
}

func (c *Client) serialize(body serialization.Parsable) (json.RawMessage, error) {
	writer, err := c.adapter.GetSerializationWriterFactory().GetSerializationWriter(jsonType)
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	if err := writer.WriteObjectValue("", body); err != nil {
		return nil, err
	}
	return writer.GetSerializedContent()
}

// batchAnswer is the answer to a batch. The answers in it come in any order.
type batchAnswer struct {
	Responses []json.RawMessage `json:"responses"`
}

type innerAnswer struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// readInnerAnswers reads each answer for itself, by its id: one that is odd costs nothing but its own fields. Two answers
// to one request contradict each other, and neither counts.
func readInnerAnswers(answer batchAnswer) map[string]innerAnswer {
	answers := map[string]innerAnswer{}
	for _, content := range answer.Responses {
		var inner innerAnswer
		_ = json.Unmarshal(content, &inner) // fields of a wrong type are left empty, the others are kept
		if _, twice := answers[inner.ID]; twice {
			inner = innerAnswer{ID: inner.ID}
		}
		answers[inner.ID] = inner
	}
	return answers
}

// readCreated reads what became of one user. The zero innerAnswer is one that is missing: the user may exist.
func (c *Client) readCreated(ctx context.Context, answer innerAnswer, upn string) Created {
	batch := callOf(ctx)
	inner := batch.inner(answer)
	defer batch.absorb(inner)
	switch {
	case answer.Status < 200 || answer.Status > 599:
		inner.status = 0
		return Created{Err: inner.lost(errors.New("the batch was answered, but not this request of it"))}
	case answer.Status > 299:
		return Created{Err: inner.refusal(answer.Body, c.now())}
	}
	var created Created
	created.Err = inner.failure(c.guarded(ctx, func(context.Context) (err error) {
		created.User, err = readCreatedUser(answer.Body, upn)
		return err
	}))
	return created
}

// inner is a request of the batch as a call of its own.
func (call *call) inner(answer innerAnswer) *call {
	header := http.Header{}
	for name, text := range answer.Headers {
		header.Set(name, text)
	}
	if header.Get("request-id") == "" {
		header.Set("request-id", call.header.Get("request-id"))
	}
	inner := *call
	inner.operation = createOperation
	inner.received(answer.Status, header)
	return &inner
}

// absorb keeps the highest load that one of the requests told.
func (call *call) absorb(inner *call) {
	if inner.scope != "" && (call.scope == "" || inner.load > call.load) {
		call.scope = inner.scope
	}
	call.load = max(call.load, inner.load)
}

// readCreatedUser reads the body of a success, and takes no other user for an answer.
func readCreatedUser(body []byte, upn string) (User, error) {
	node, err := jsonserialization.NewJsonParseNodeFactory().GetRootParseNode(jsonType, body)
	if err != nil {
		return User{}, err
	}
	answer, err := node.GetObjectValue(models.CreateUserFromDiscriminatorValue)
	if err != nil {
		return User{}, err
	}
	read, _ := answer.(models.Userable)
	user, err := readUser(read)
	if err == nil && !strings.EqualFold(user.UserPrincipalName, upn) {
		return User{}, errors.New("it is about another user than was asked for")
	}
	return user, err
}
