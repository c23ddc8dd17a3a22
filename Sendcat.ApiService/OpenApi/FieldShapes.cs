using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Gate;
using Sendcat.ApiService.Chat.History;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.ApiService.Identity.Google;
using Sendcat.ApiService.Ops;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Shopping.Favorites;
using Sendcat.ApiService.Shopping.Packages;
using Sendcat.ApiService.Threads;
using Sendcat.ApiService.Threads.Events;
using Sendcat.ApiService.Threads.Export;
using Sendcat.Integrations.Tools;

namespace Sendcat.ApiService.OpenApi;

/// <summary>
/// What the C# type of a field does not say: its allowed values, the shape of stored JSON, and what a request must contain.
/// </summary>
internal static class FieldShapes
{
    private static readonly string[] MessageStatuses =
    [
        MessageStatus.Streaming, MessageStatus.Completed, MessageStatus.Error, MessageStatus.Aborted,
    ];
    private static readonly string[] FavoriteTypes = ["product", "brand"];

    /// <summary>Fields with a closed set of values. The fields of events are in <see cref="EventSchemas"/>.</summary>
    public static readonly IReadOnlyList<(string Schema, string Field, IReadOnlyList<string> Values)> Values =
    [
        (nameof(MessageView), "role", ["user", "assistant", "system", "tool"]),
        (nameof(MessageView), "status", MessageStatuses),
        (nameof(NewMessage), "role", ["user"]),
        (nameof(SharedMessageView), "role", ["user", "assistant"]),
        (nameof(SharedMessageView), "status", MessageStatuses[1..]),
        (nameof(ModelView), "class", ["fast", "agent"]),
        (nameof(ChatBody), "trigger", ["submit-message", "regenerate-message"]),
        (nameof(ChatUiMessage), "role", ["user", "assistant"]),
        (nameof(ChatUiMetadata), "status", MessageStatuses[1..]),
        (nameof(ChatUiPart), "state", ["done", "output-available", "output-error"]),
        (nameof(ExportedMessage), "role", ["user", "assistant"]),
        (nameof(ExportedMessage), "status", MessageStatuses[1..]),
        (nameof(FavoriteView), "type", FavoriteTypes),
        (nameof(FavoriteMark), "type", FavoriteTypes),
        (nameof(FavoriteToggling), "type", FavoriteTypes),
        (nameof(NewOpsKey), "role", ["operator", "viewer"]),
        (nameof(PackageView), "status", ["warehouse", "in_transit", "ready_for_pickup", "delivered"]),
        (nameof(SignedIn), "tokenType", ["Bearer"]),
        ("SendcatEventProviderRoute", "routeId", ["primary", "secondary"]),
        ("SendcatEventProviderRoute", "modelClass", ["fast", "agent"]),
        ("SendcatEventAttachmentSkipped", "reason", LeftOutReason.All),
        ("SendcatEventToolBackpressure", "reason", ["queue_saturated", "queue_timeout", "dead_letter"]),
        ("ThreadEventMessage", "status", MessageStatuses),
        ("ThreadEventTurnEnded", "status", [.. MessageStatuses[1..], ThreadEvent.TurnEnded.Removed]),
        ("UiEventFinish", "finishReason", ["stop", "length", "content-filter", "tool-calls", "error", "other"]),
    ];

    /// <summary>Arrays that are stored as JSON, by the type of their items.</summary>
    public static readonly IReadOnlyList<(string Schema, string Field, Type Item)> Arrays =
    [
        (nameof(MessageView), "products", typeof(Product)),
        (nameof(MessageView), "sources", typeof(MessageSource)),
        (nameof(MessageView), "toolCalls", typeof(StoredToolCall)),
        (nameof(SharedMessageView), "products", typeof(Product)),
        (nameof(SharedMessageView), "sources", typeof(MessageSource)),
        (nameof(SharedMessageView), "attachments", typeof(MessageAttachmentView)),
        (nameof(ExportedMessage), "products", typeof(Product)),
        (nameof(ExportedMessage), "sources", typeof(MessageSource)),
        (nameof(ChatBody), "messages", typeof(UiMessage)),
        (nameof(UiMessage), "parts", typeof(UiPart)),
    ];

    /// <summary>Fields that are read as JSON of several kinds, and that a generated client sends as a text.</summary>
    public static readonly IReadOnlyList<(string Schema, string Field, string Description)> Texts =
    [
        (nameof(ChatBody), "message", "The user's message in Sendcat's shape. Clients in useChat shape send messages instead."),
    ];

    /// <summary>Fields that are sent as null; every other field without a value is absent.</summary>
    public static readonly IReadOnlyList<(string Schema, string[] Path)> Nullable =
    [
        ("SendcatEventUsage", ["usage"]),
        ("SendcatEventUsage", ["metrics", "ttftMs"]),
        ("SendcatEventUsage", ["metrics", "finishReason"]),
        ("UiEventMessageMetadata", ["messageMetadata", "metrics", "ttftMs"]),
        ("UiEventMessageMetadata", ["messageMetadata", "metrics", "finishReason"]),
        ("UiEventFinish", ["messageMetadata", "metrics", "ttftMs"]),
        ("UiEventFinish", ["messageMetadata", "metrics", "finishReason"]),
    ];

    /// <summary>Fields without which a request is refused; every other field of a request is optional.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> Required = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        [nameof(Registration)] = ["email", "password"],
        [nameof(SignIn)] = ["email", "password"],
        [nameof(Refresh)] = ["refreshToken"],
        [nameof(Confirmation)] = ["token"],
        [nameof(ForgotPassword)] = ["email"],
        [nameof(PasswordReset)] = ["token", "newPassword"],
        [nameof(GoogleExchange)] = ["code"],
        [nameof(GoogleLink)] = ["password", "code"],
        [nameof(PasswordChange)] = ["newPassword"],
        [nameof(EmailChange)] = ["newEmail"],
        [nameof(EmailChangeConfirmation)] = ["token", "email"],
        [nameof(Claim)] = ["sessionId"],
        [nameof(Branch)] = ["messageId"],
        [nameof(Edit)] = ["messageId"],
        [nameof(NewOpsKey)] = ["name", "role"],
        [nameof(CallerBlockOrder)] = ["caller", "minutes"],
        [nameof(CallerUnblockOrder)] = ["caller"],
        [nameof(AbortBody)] = ["threadId", "messageId"],
    };
}

/// <summary>A message of a <c>useChat</c> client, as far as it is read.</summary>
/// <param name="Parts">
/// Texts (<c>type: "text"</c>, <c>text</c>) and files (<c>type: "file"</c>, <c>url</c>, <c>mediaType</c>, <c>filename</c>).
/// </param>
internal sealed record UiMessage(string? Id, string Role, IReadOnlyList<UiPart>? Parts);

internal sealed record UiPart(string Type, string? Text, string? Url, string? MediaType, string? Filename);
