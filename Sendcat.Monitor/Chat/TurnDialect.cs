using System.Text.Json;

namespace Sendcat.Monitor.Chat;

/// <summary>How a turn is asked for and how its stream reads: two ways, the service speaks both.</summary>
internal abstract class TurnDialect
{
    /// <summary>True when the question is stored by a request of its own before the turn is started.</summary>
    public abstract bool StoresMessageFirst { get; }

    /// <summary>The body of <c>POST /api/chat</c>.</summary>
    public abstract object Request(TurnInput question);

    /// <summary>One data event of the stream; null for what a terminal does not show. Unknown events are not an error: the protocol may grow.</summary>
    /// <exception cref="JsonException">The data is not JSON.</exception>
    public abstract TurnEvent? Read(string data);

    public static TurnDialect Named(string name) => name == "ui" ? new UiTurnDialect() : new SendcatTurnDialect();
}

internal sealed record TurnInput(string ThreadId, string SessionId, string Content, string? ModelId, bool WebSearch);
