using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// What a chat request does to its thread: it starts a turn, or it repeats a request whose turn runs or has ended. Decided from the request
/// and the stored messages alone.
/// </summary>
internal abstract record TurnPlan
{
    /// <summary>A new turn.</summary>
    /// <param name="History">
    /// The messages for the model, the oldest first; the last one is answered. One that is written here has no files yet.
    /// </param>
    /// <param name="Asked">The user message that the turn answers; null in a thread without one.</param>
    /// <param name="Write">What happens to the message of the request.</param>
    public sealed record Start(IReadOnlyList<HistoryMessage> History, Guid? Asked, MessageWrite Write = MessageWrite.None) : TurnPlan
    {
        /// <summary>What stands after <see cref="Asked"/> stays until the first content of the new answer is committed.</summary>
        public bool ReplacesAnswer { get; init; }

        /// <summary>The turn changes what a running turn of the thread answers, so that one has to end.</summary>
        public bool EndsRunningTurn => ReplacesAnswer || Write == MessageWrite.Edit;

        /// <summary>The plan with the stored files of the message that is written.</summary>
        public Start WithAttachments(string? json) =>
            this with { History = [.. History.SkipLast(1), History[^1] with { AttachmentsJson = json, Files = null }] };

        /// <summary>Messages that the turn adds to the thread, without those of tool calls.</summary>
        public int NewMessages => EndsRunningTurn ? 0 : Write == MessageWrite.Insert ? 2 : 1;
    }

    /// <summary>The turn that answers the message runs: the request becomes another reader of it.</summary>
    public sealed record Join(RunningTurn Turn) : TurnPlan;

    /// <summary>The answer is complete: the request gets it as it is stored.</summary>
    public sealed record Replay(Guid Asked) : TurnPlan;

    /// <summary>The idempotency key of the request belongs to a message with other content.</summary>
    public sealed record KeyMismatch : TurnPlan;

    /// <summary>The message of the request was edited since: the request is a late repetition of an earlier one.</summary>
    public sealed record Replaced : TurnPlan;

    /// <summary>
    /// The request is a late repetition of a regeneration whose answer another one, or an edit of the message, has replaced.
    /// </summary>
    public sealed record AnswerReplaced : TurnPlan;

    /// <inheritdoc cref="Messages.IdOf"/>
    public static Guid MessageId(Guid threadId, string clientId) => Messages.IdOf(threadId, clientId);

    /// <summary>The ids by which the request names stored messages.</summary>
    public static IReadOnlyList<string> NamedMessages(ChatRequest request) =>
    [
        .. new[]
        {
            request.Regeneration?.MessageId, request.Regeneration?.LastUserMessageId,
            request.Regeneration is null ? request.Message?.ClientId : null,
        }.OfType<string>(),
    ];

    /// <summary>True if one of the messages has one of the ids.</summary>
    public static bool HasAny(ThreadHistory thread, IReadOnlyList<string> ids) => ids.Any(id => IndexOf(thread, id) >= 0);

    /// <summary>
    /// The time after an edit in which the same request again is its repetition; later it is another edit, which cuts what follows once
    /// more. Clients and proxies repeat a request within seconds.
    /// </summary>
    public static readonly TimeSpan EditRepetition = TimeSpan.FromMinutes(2);

    /// <param name="thread">With the messages that the request names, if the thread has them.</param>
    /// <param name="running">The thread's running turn, if it can be joined.</param>
    public static TurnPlan Of(ChatRequest request, ThreadHistory thread, RunningTurn? running, DateTimeOffset now) =>
        request.Key is { } key && Repetition(request, key, thread, running) is { } repetition ? repetition
        : request.Regeneration is { } regeneration ? Regenerate(request, regeneration, thread)
        : request.Message is { } message ? Submit(request, message, thread, running, now)
        : LastUserMessage(thread.Messages, thread.Messages.Count - 1) is >= 0 and var last ? Answer(thread, last, running)
        : new Start(thread.Messages, Asked: null);

    /// <returns>The repetition of an earlier request with the key; null if there was none, or its turn was cut.</returns>
    private static TurnPlan? Repetition(ChatRequest request, string key, ThreadHistory thread, RunningTurn? running)
    {
        var message = request.Regeneration is null ? request.Message : null;
        var known = IndexOf(thread, message?.ClientId) is >= 0 and var n ? thread.Messages[n] : null;
        if (message is not null && known is not null && OtherVersion(message, key, known) is { } refused)
        {
            return refused;
        }

        var isRunning = running is not null && StreamIds.HasKey(running.StreamId, key);
        if (!isRunning && request.Regeneration is not null && thread.OfKey is { IsReplaced: true })
        {
            return new AnswerReplaced();
        }

        if (!isRunning && thread.OfKey is not { Status: MessageStatus.Completed, IsReplaced: false })
        {
            // A request without a message means the last one of its time. Later ones are not answered for it.
            return request is { Message: null, Regeneration: null } && thread.OfKey?.Turn.Asked is { } cut && cut != LastAsked(thread)
                ? new Replay(cut)
                : null;
        }

        var asked = isRunning ? running!.Asked : thread.OfKey!.Turn.Asked;
        if (message is not null && (known is null ? MessageIdOf(thread, message) != asked : known.Id != asked || !IsSame(known, message)))
        {
            return new KeyMismatch();
        }

        return isRunning ? new Join(running!) : asked is { } answered ? new Replay(answered) : null;
    }

    /// <summary>
    /// An edit with the key has given the message a content that it does not have any more, or never had. The turn of the edit does not
    /// show this: another edit has deleted it.
    /// </summary>
    /// <returns>Null if no edit of the message had the key, or if the message has the content of the request.</returns>
    private static TurnPlan? OtherVersion(UserMessage message, string key, HistoryMessage stored)
    {
        var edit = stored.Replaced.TakeWhile(version => !IsReplacedBy(version, key)).Count();
        return edit == stored.Replaced.Count || IsSame(stored, message) ? null
            : edit > 0 && IsSame(stored.Replaced[edit - 1], message) ? new Replaced()
            : new KeyMismatch();
    }

    private static Guid? MessageIdOf(ThreadHistory thread, UserMessage message) =>
        message.ClientId is { } id ? MessageId(thread.ThreadId, id) : null;

    private static TurnPlan Regenerate(ChatRequest request, Regeneration regeneration, ThreadHistory thread)
    {
        var named = IndexOf(thread, regeneration.MessageId) is >= 0 and var replaced
            ? replaced
            : IndexOf(thread, regeneration.LastUserMessageId);
        if (named < 0 && request.Message is { ClientId: not null } unsent && !thread.HasLaterMessages)
        {
            // The request that should have stored the message was refused: the client repeats it as a regeneration.
            return Insert(thread, unsent, running: null);
        }

        var asked = LastUserMessage(thread.Messages, named < 0 ? thread.Messages.Count - 1 : named);
        return asked < 0 ? new Start([], Asked: null) : Again(thread, asked);
    }

    private static TurnPlan Submit(ChatRequest request, UserMessage message, ThreadHistory thread, RunningTurn? running, DateTimeOffset now)
    {
        var known = IndexOf(thread, message.ClientId);
        if (known < 0 || thread.Messages[known].Role != "user")
        {
            return Insert(thread, message, running);
        }

        var stored = thread.Messages[known];
        var hasLater = thread.HasLaterMessages || thread.Messages.Skip(known + 1).Any(later => later.Role == "user");
        var isSame = IsSame(stored, message);
        if (!isSame && message.HasIdFromKey)
        {
            return new KeyMismatch();
        }

        var isEdit = request.EditedId is not null && request.EditedId == message.ClientId;
        if (!isSame && !isEdit && stored.Replaced.Any(version => IsSame(version, message)))
        {
            // The request that stored the message, or an edit, after a later edit: it must not bring its text back and cut what follows.
            return new Replaced();
        }

        var repeatsEdit = isSame && ((stored.Replaced is [var newest, ..] && now - newest.At < EditRepetition)
            || (request.Key is { } key && stored.Replaced.Any(version => IsReplacedBy(version, key))));
        if (!isSame || (hasLater && isEdit && !repeatsEdit))
        {
            var edited = stored with { Content = message.Text, AttachmentsJson = null };
            return new Start([.. thread.Messages.Take(known), edited], stored.Id, MessageWrite.Edit);
        }

        // An old message that others follow is a late repetition: nothing is changed for it.
        return !hasLater ? Answer(thread, known, running) : running?.Asked == stored.Id ? new Join(running) : new Replay(stored.Id);
    }

    /// <summary>The answer to a stored message that no other user message follows.</summary>
    private static TurnPlan Answer(ThreadHistory thread, int asked, RunningTurn? running)
    {
        if (running is not null && running.Asked == thread.Messages[asked].Id)
        {
            return new Join(running);
        }

        var message = thread.Messages[asked];
        var last = thread.Messages.Skip(asked + 1).LastOrDefault(later => later.Answers is null || later.Answers == message.Id);
        if (last is not null)
        {
            return last is { Role: "assistant", ToolCallsJson: null, Status: null or MessageStatus.Completed }
                ? new Replay(message.Id)
                : Again(thread, asked);
        }

        // A running turn that cannot be joined is that of a dead replica.
        if (thread.RunningTurns.Any(turn => turn.Asked == message.Id))
        {
            return Again(thread, asked);
        }

        // A message that was stored while the turn of an earlier one ran stands before the end of that answer.
        var write = thread.Messages.Any(other => other.Seq > message.Seq) ? MessageWrite.Move : MessageWrite.None;
        return new Start([.. thread.Messages.Take(asked), .. thread.Messages.Skip(asked + 1), message], message.Id, write);
    }

    private static Start Again(ThreadHistory thread, int asked) =>
        new([.. thread.Messages.Take(asked + 1)], thread.Messages[asked].Id) { ReplacesAnswer = true };

    private static TurnPlan Insert(ThreadHistory thread, UserMessage message, RunningTurn? running)
    {
        var id = message.ClientId is null ? Guid.NewGuid() : MessageId(thread.ThreadId, message.ClientId);
        if (running?.Asked == id)
        {
            // It runs in this process and has stored its message after the thread was read.
            return new Join(running);
        }

        var added = new HistoryMessage(
            id, "user", message.Text, MessageStatus.Completed, null, null, null, null, AttachmentsJson: null, message.ClientId);
        return new Start([.. thread.Messages, added], id, MessageWrite.Insert);
    }

    private static Guid? LastAsked(ThreadHistory thread) =>
        LastUserMessage(thread.Messages, thread.Messages.Count - 1) is >= 0 and var last ? thread.Messages[last].Id : null;

    private static int LastUserMessage(IReadOnlyList<HistoryMessage> messages, int from)
    {
        while (from >= 0 && messages[from].Role != "user")
        {
            from--;
        }

        return from;
    }

    private static int IndexOf(ThreadHistory thread, string? id)
    {
        if (id is null)
        {
            return -1;
        }

        var derived = MessageId(thread.ThreadId, id);
        for (var n = thread.Messages.Count - 1; n >= 0; n--)
        {
            var message = thread.Messages[n];
            if (message.ClientId == id || message.Id == derived
                || string.Equals(message.Id.ToString(), id, StringComparison.OrdinalIgnoreCase))
            {
                return n;
            }
        }

        return -1;
    }

    /// <summary>Text and files are equal.</summary>
    private static bool IsSame(HistoryMessage stored, UserMessage message) =>
        stored.Content == StorableText.Sanitize(message.Text) && AreSame(MessageAttachment.Read(stored.AttachmentsJson), message.Files);

    private static bool IsSame(ReplacedVersion version, UserMessage message) =>
        version.HasText(StorableText.Sanitize(message.Text)) && AreSame(version.Attachments ?? [], message.Files);

    /// <summary>The edit that replaced the version had the key.</summary>
    private static bool IsReplacedBy(ReplacedVersion version, string key) => version.Key == StreamIds.EndOfIds(key);

    private static bool AreSame(IReadOnlyList<MessageAttachment> stored, IReadOnlyList<UiFile> files) =>
        stored.Count == files.Count && stored.Zip(files).All(pair => IsSame(pair.First, pair.Second));

    /// <summary>
    /// Name and type are not compared, because they are determined again when a file is stored. Of a file in the request, the content is
    /// compared: by its hash, or by the number of its bytes with a file that was stored without one.
    /// </summary>
    private static bool IsSame(MessageAttachment stored, UiFile file) =>
        stored.Url is { } url ? url == file.Url
        : AttachmentEndpoints.IdIn(file.Url) is { } id ? string.Equals(id, stored.StorageId, StringComparison.OrdinalIgnoreCase)
        : DataAddress.BytesOf(file.Url) is { } bytes && bytes.Length == stored.Size
            && (stored.Sha256 is null || stored.Sha256 == MessageAttachment.HashOf(bytes));
}

/// <summary>What a turn does with the user's message of its request.</summary>
internal enum MessageWrite
{
    /// <summary>The message is stored already, or the request has none.</summary>
    None,

    /// <summary>It is stored as the last one of the thread.</summary>
    Insert,

    /// <summary>It replaces the content of the stored message; all messages after that one are deleted.</summary>
    Edit,

    /// <summary>The stored message becomes the last one of the thread.</summary>
    Move,
}
