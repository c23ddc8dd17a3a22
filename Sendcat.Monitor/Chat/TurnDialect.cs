using System.Text.Json;

namespace Sendcat.Monitor.Chat;

/// <summary>
/// A dialect of the chat protocol: the request that starts a turn and the format of its stream. The service supports both implementations.
/// </summary>
internal abstract class TurnDialect
{
    /// <summary>True when a separate request stores the user's message before the turn starts.</summary>
    public abstract bool StoresMessageFirst { get; }

    /// <summary>The body of <c>POST /api/chat</c>.</summary>
    public abstract object Request(TurnInput input);

    /// <summary>
    /// Reads one data event of the stream; null when a terminal does not show it. An unknown event is not an error, because later versions
    /// of the protocol may add events.
    /// </summary>
    /// <exception cref="JsonException">The data is not JSON.</exception>
    public abstract TurnEvent? Read(string data);

    public static TurnDialect Named(string name) => name == "ui" ? new UiTurnDialect() : new SendcatTurnDialect();
}

internal sealed record TurnInput(string ThreadId, string SessionId, string Content, string? ModelId, bool WebSearch);
