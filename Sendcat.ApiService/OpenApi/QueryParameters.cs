namespace Sendcat.ApiService.OpenApi;

/// <summary>
/// The query parameters of the API document. Handlers read them as text, so that a wrong one gets an <c>ApiError</c>; the document shows
/// their real type. A test finds a parameter that is missing here.
/// </summary>
/// <param name="Description">One sentence.</param>
/// <param name="IsNumber">A whole number.</param>
/// <param name="Values">The allowed values; null: any text.</param>
internal sealed record QueryParameter(string Description, bool IsNumber = false, IReadOnlyList<string>? Values = null)
{
    private static readonly Dictionary<string, QueryParameter> Known = new(StringComparer.Ordinal)
    {
        ["after"] = new("The id of the message after which everything is deleted."),
        ["arguments"] = new("Only dead letters whose arguments contain these words, or words that begin with them."),
        ["before"] = new("Only messages before the one with this id, the newest of them first unless order says otherwise."),
        ["bucket"] = new("Only events of this bucket, such as chat_stream or chat_admission."),
        ["by"] = new("What the callers are sorted by; omitted: cost.", Values: ["cost", "tokens", "turns", "jobs", "refusals"]),
        ["ops.callers:minutes"] = new("The past minutes, 1 to 1440; omitted: OPS_DEFAULT_WINDOW_MINUTES.", IsNumber: true),
        ["ops.callers:limit"] = new("The most callers, up to OPS_MAX_ROWS_PER_SECTION, which is also the default.", IsNumber: true),
        ["categoryId"] = new("The id of a category of eBay."),
        ["categoryName"] = new("The name of a category of eBay, used where its id is unknown."),
        ["challenge"] = new(
            "The SHA-256 of a verifier that the page keeps, in Base64 for URLs; omitted: a cookie binds googleCode to the browser."),
        ["code"] = new("The code of Google."),
        ["cursor"] = new("nextCursor of the page before. A cursor is valid for the list, order and limit that returned it."),
        ["chatMessages:limit"] = new("The most messages of the page; a message and its answer stay together.", IsNumber: true),
        ["diedAfter"] = new("Only dead letters that are at most as old as this time (ISO 8601)."),
        ["diedBefore"] = new("Only dead letters that are older than this time (ISO 8601)."),
        ["draftId"] = new("Only pre-alerts of this draft."),
        ["error"] = new("The error of Google, instead of a code."),
        ["fingerprint"] = new("Only dead letters of this cause."),
        ["forSeconds"] = new("How long the change is in force, 10 to 2592000; omitted: until the next change.", IsNumber: true),
        ["format"] = new("The format of the file.", Values: ["markdown", "json", "text", "html"]),
        ["ops.timeline:format"] = new("The format; omitted: json.", Values: ["json", "csv", "markdown"]),
        ["force"] = new("Also the last process of its kind.", Values: ["true", "false"]),
        ["from"] = new("The start of the range (ISO 8601); omitted: an hour before its end."),
        ["ids"] = new("Only these ids, separated by commas."),
        ["includeStreaming"] = new("Also the answer that is being written.", Values: ["true", "false"]),
        ["key"] = new("Only this key, as its sender sent it."),
        ["kinds"] = new("Only entries of these kinds, separated by commas."),
        ["limit"] = new("The most items of the page.", IsNumber: true),
        ["listId"] = new("Only favourites of this list."),
        ["maxDeletes"] = new("The most entries to delete.", IsNumber: true),
        ["id"] = new("A stream, thread, message or trace id, also one that a client gave."),
        ["message"] = new("Only turns of this message: its id, or the id that the client gave it."),
        ["minutes"] = new("The past minutes that ended jobs are counted over.", IsNumber: true),
        ["ops.snapshot:minutes"] = new("The window of events, alerts and ended jobs, 1 to 1440; omitted: OPS_DEFAULT_WINDOW_MINUTES.",
            IsNumber: true),
        ["ops.snapshot:limit"] = new("The most rows of each list, from 5; omitted: OPS_MAX_ROWS_PER_SECTION, which is also the maximum.",
            IsNumber: true),
        ["ops.slo:minutes"] = new("The past minutes that are listed one by one, 1 to 1440; omitted: 60.", IsNumber: true),
        ["ops.turns:limit"] = new("The most items of the page, up to OPS_MAX_ROWS_PER_SECTION; omitted: 50.", IsNumber: true),
        ["ops.turns:stream"] = new("Only the turn of this stream, with or without STREAM:."),
        ["ops.events:key"] = new("Only events of this key; principals are masked."),
        ["ops.events:limit"] = new("The most items of the page, up to OPS_MAX_ROWS_PER_SECTION; omitted: 50.", IsNumber: true),
        ["ops.listBulkChanges:limit"] = new("The most items of the page, up to OPS_MAX_ROWS_PER_SECTION; omitted: 50.", IsNumber: true),
        ["ops.events:minutes"] = new("Only events of the past minutes, 1 to 10080.", IsNumber: true),
        ["ops.eventSummary:minutes"] = new("The past minutes, 1 to 1440; omitted: OPS_DEFAULT_WINDOW_MINUTES.", IsNumber: true),
        ["open"] = new("Only what is not resolved.", Values: ["true", "false"]),
        ["namespace"] = new("The namespace of the tool cache."),
        ["waitSeconds"] = new("The longest wait for what runs, 0 to 3600; omitted: 300.", IsNumber: true),
        ["order"] = new("The order of the list.", Values: ["asc", "desc"]),
        ["outcome"] = new("Only events with this outcome.", Values: ["allowed", "blocked", "contention_fallback"]),
        ["parentId"] = new("The category whose children are listed; omitted: the top categories."),
        ["q"] = new("What to search for."),
        ["class"] = new("The class of the model that is called; omitted: that of turns without a model.", Values: ["fast", "agent"]),
        ["percent"] = new("The share of starts that take the other route, 0 to 100.", IsNumber: true),
        ["principal"] = new("Only jobs of this principal."),
        ["reason"] = new("Only events with this reason."),
        ["returnTo"] = new(
            "The page to return to: a path on the first allowed origin, or an address on an allowed origin; omitted: its root."),
        ["scope"] = new("The kind of deliveries."),
        ["search"] = new("Only items that contain this text."),
        ["seconds"] = new("How long the circuit stays open, 1 to 86400; omitted: 900.", IsNumber: true),
        ["section"] = new("The section of the explore page."),
        ["sort"] = new("The order of the list; omitted: newest.", Values: ["newest", "updated", "cost", "weight"]),
        ["source"] = new("Only events of this source.", Values: ["http", "chat_http", "chat_action"]),
        ["state"] = new("The state of the flow, from Google."),
        ["status"] = new("Only packages in this state.", Values: ["warehouse", "in_transit", "ready_for_pickup", "delivered"]),
        ["drafts.listDrafts:status"] = new("Only drafts in this state.", Values: ["draft", "confirmed", "rejected"]),
        ["evidence.list:status"] = new(
            "Only evidence in this state; omitted: all that is not ignored.", Values: ["pending", "extracted", "failed", "ignored"]),
        ["stream"] = new("The dialect of the stream; omitted: that of the request's shape, or of the turn.", Values: ["sendcat", "ui"]),
        ["subCategoryId"] = new("The id of a category below categoryId."),
        ["thread"] = new("Only turns of this thread: its id, or the id that the client gave it."),
        ["timeZone"] = new("The IANA name of the time zone of the times; omitted: UTC."),
        ["to"] = new("The end of the range (ISO 8601); omitted: now."),
        ["ops.timeline:limit"] = new("The most items of the page, up to OPS_MAX_ROWS_PER_SECTION; omitted: 100.", IsNumber: true),
        ["tool"] = new("Only jobs of this tool."),
        ["trace"] = new("Only turns of this trace: 32 hexadecimal digits, or a traceparent."),
        ["type"] = new("Only favourites of this type.", Values: ["product", "brand"]),
        ["url"] = new("A web address."),
    };

    /// <param name="operation">The id of the operation; some operations give a name another meaning.</param>
    /// <param name="name">The name of the parameter.</param>
    /// <returns>Null for a parameter that is not described yet.</returns>
    public static QueryParameter? Named(string? operation, string name) =>
        Known.GetValueOrDefault($"{operation}:{name}") ?? Known.GetValueOrDefault(name);
}
