using System.Diagnostics.Metrics;
using Sendcat.ApiService.Chat.Engine;

namespace Sendcat.ApiService.Chat;

/// <summary>Meter <c>Sendcat.Chat</c>.</summary>
internal static class ChatMetrics
{
    private static readonly Meter Meter = new("Sendcat.Chat");

    /// <summary>Turns that run in this process.</summary>
    public static readonly UpDownCounter<int> TurnsActive = Meter.CreateUpDownCounter<int>("sendcat.chat.turns.active", "{turn}");

    private static readonly Counter<long> Turns = Meter.CreateCounter<long>("sendcat.chat.turns", "{turn}", "Turns by how they ended.");

    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>(
        "sendcat.chat.refusals", "{request}", "Chat requests refused before a turn began, by error code.");

    private static readonly Counter<long> DisconnectedReaders = Meter.CreateCounter<long>(
        "sendcat.chat.readers.cut", "{connection}", "Connections closed because their reader took nothing.");

    private static readonly Counter<long> LostMirrors = Meter.CreateCounter<long>(
        "sendcat.chat.mirrors.lost", "{mirror}", "Mirrors that Redis lost while their turn was running.");

    private static readonly Counter<long> MirrorGaps = Meter.CreateCounter<long>(
        "sendcat.chat.mirrors.gaps", "{gap}", "Gaps in mirrors; the readers of the turn got an error.");

    public static void MirrorLost() => LostMirrors.Add(1);

    public static void MirrorGap() => MirrorGaps.Add(1);

    public static void ReaderDisconnected() => DisconnectedReaders.Add(1);

    /// <param name="ending">Null: the turn ended by itself; the tag is <c>Finished</c>.</param>
    public static void TurnEnded(string status, TurnEnding? ending) =>
        Turns.Add(
            1, new KeyValuePair<string, object?>("status", status),
            new KeyValuePair<string, object?>("ending", ending?.ToString() ?? "Finished"));

    public static void Refused(string code) => Refusals.Add(1, new KeyValuePair<string, object?>("code", code));
}
