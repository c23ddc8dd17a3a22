using System.Text;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>The current state of a message of a running turn. Guarded by the lock of its <see cref="TurnRecord"/>.</summary>
/// <param name="version">The version of the record that added the message.</param>
internal sealed class MessageRow(Guid id, string role, DateTimeOffset createdAt, long version = 1)
{
    // A StringBuilder with a small initial capacity grows into a long chain of chunks, each of which costs the garbage collector a visit.
    private const int InitialCapacity = 256;

    /// <summary>Characters of a text up to which a checkpoint may write the whole row.</summary>
    private const int MaxWhole = 16 * 1024;

    private StringBuilder? _reasoning;
    private PersistedText _persisted;

    public Guid Id => id;

    /// <summary>The version of the record that added the message.</summary>
    public long FirstVersion { get; } = version;

    /// <summary>The version of the record that last changed the message.</summary>
    public long Version { get; private set; } = version;

    /// <summary>The version of the record that last changed more than the text.</summary>
    public long RowVersion { get; private set; } = version;

    /// <summary>Postgres may have parts of the text, because a commit with at least one was tried.</summary>
    public bool MayHaveParts { get; private set; }

    /// <summary>
    /// The next checkpoint writes the whole row: its text has no parts, is short, and has at least doubled since the last commit. Such
    /// rows add up to less than twice the text, and a short answer ends without parts to insert and delete.
    /// </summary>
    public bool HasDoubled => !MayHaveParts && Length <= MaxWhole && Length >= 2 * (_persisted.Content + _persisted.Reasoning);

    private int Length => Text.Length + (_reasoning?.Length ?? 0);

    public required string Status { get; set; }

    public StringBuilder Text { get; } = new(InitialCapacity);

    public StringBuilder Reasoning => _reasoning ??= new(InitialCapacity);

    public string? ModelId { get; set; }

    public string? ToolCallId { get; init; }

    public string? Name { get; init; }

    public string? ClientId { get; init; }

    public string? AttachmentsJson { get; init; }

    public string? ToolCallsJson { get; set; }

    public string? ProductsJson { get; set; }

    public string? SourcesJson { get; set; }

    /// <summary>The text has grown, and nothing else has changed.</summary>
    public void MarkGrown(long newVersion) => Version = newVersion;

    public void MarkChanged(long newVersion) => (Version, RowVersion) = (newVersion, newVersion);

    /// <summary>The next part: the text that no confirmed commit has written. It does not end within a surrogate pair.</summary>
    /// <param name="after">What is persisted after the commit.</param>
    public PartSnapshot NextPart(out PersistedText after)
    {
        var content = Text.ToString(_persisted.Content, EndOfPart(Text) - _persisted.Content);
        var reasoning = _reasoning?.ToString(_persisted.Reasoning, EndOfPart(_reasoning) - _persisted.Reasoning);
        after = new(_persisted.Content + content.Length, _persisted.Reasoning + (reasoning?.Length ?? 0), _persisted.Parts + 1);
        MayHaveParts = true;
        return new(id, _persisted.Parts, StorableText.Sanitize(content), reasoning is "" ? null : StorableText.Sanitize(reasoning));
    }

    public void MarkPersisted(PersistedText persisted)
    {
        _persisted = persisted;
        MayHaveParts = persisted.Parts > 0;
    }

    /// <param name="isNew">The message is in no confirmed commit yet.</param>
    /// <param name="turn">Stream id of its turn, if the turn is in a confirmed commit; otherwise null.</param>
    /// <param name="anchor">For the first rows of an answer to a message that is persisted: that user message; otherwise null.</param>
    /// <param name="anchorContent">What the anchor must have; null: anything.</param>
    /// <param name="stream">Stream id of its turn.</param>
    /// <param name="oneTurnOf">As <see cref="SessionSnapshot.OneTurnOf"/>.</param>
    /// <param name="asked">The user message that the turn answers; null: none.</param>
    /// <param name="after">What is persisted after the commit.</param>
    public MessageSnapshot Snapshot(
        Guid threadId, bool isNew, Guid? turn, Guid? anchor, MessageContent? anchorContent, Guid stream, Guid? oneTurnOf, Guid? asked,
        out PersistedText after)
    {
        // Of a text that still grows, half a surrogate pair is left for the next commit.
        var grows = Status == MessageStatus.Streaming;
        after = new(
            grows ? EndOfPart(Text) : Text.Length, _reasoning is null ? 0 : grows ? EndOfPart(_reasoning) : _reasoning.Length, Parts: 0);
        return new(
            id, threadId, role, StorableText.Sanitize(Text.ToString(0, after.Content)), StorableText.Sanitize(ModelId), Status,
            StorableText.Sanitize(_reasoning?.ToString(0, after.Reasoning)), StorableText.SanitizeJson(AttachmentsJson),
            StorableText.SanitizeJson(ToolCallsJson),
            StorableText.Sanitize(ToolCallId), StorableText.Sanitize(Name), StorableText.SanitizeJson(ProductsJson),
            StorableText.SanitizeJson(SourcesJson), StorableText.Sanitize(ClientId), createdAt, isNew, MayHaveParts, turn, anchor,
            anchorContent, stream, oneTurnOf, role == "user" ? null : asked);
    }

    private static int EndOfPart(StringBuilder text) => text.Length > 0 && char.IsHighSurrogate(text[^1]) ? text.Length - 1 : text.Length;
}

/// <summary>What confirmed commits have written of the texts of a message.</summary>
/// <param name="Content">Characters of the content, in its row and its parts.</param>
/// <param name="Reasoning">Characters of the reasoning, in its row and its parts.</param>
/// <param name="Parts">The number of parts.</param>
internal readonly record struct PersistedText(int Content, int Reasoning, int Parts);

/// <summary>What a user's edit changes.</summary>
/// <param name="FilesJson">Null: no files.</param>
internal sealed record MessageContent(string Text, string? FilesJson);

internal sealed record MessageSnapshot(
    Guid Id, Guid ThreadId, string Role, string Content, string? ModelId, string Status, string? Reasoning, string? AttachmentsJson,
    string? ToolCallsJson,
    string? ToolCallId, string? Name, string? ProductsJson, string? SourcesJson, string? ClientId, DateTimeOffset CreatedAt, bool IsNew,
    bool MayHaveParts, Guid? Turn, Guid? Anchor, MessageContent? AnchorContent, Guid Stream, Guid? OneTurnOf, Guid? Answers);

/// <param name="Number">The number of the part in its message, from 0. A repeated commit writes the same part again.</param>
internal sealed record PartSnapshot(Guid MessageId, int Number, string Content, string? Reasoning);
