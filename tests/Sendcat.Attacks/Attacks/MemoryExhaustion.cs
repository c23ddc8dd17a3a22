using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Sendcat.Attacks.Callers;
using Sendcat.TestKit.Processes;

namespace Sendcat.Attacks.Attacks;

/// <summary>Requests responses and does not read them, and makes the model send very long output.</summary>
internal sealed class MemoryExhaustion : Attack
{
    private const int NonReaders = 6;
    private const long MaxGrowthBytes = 200L * 1024 * 1024;

    /// <summary>The maximum size of the events for 16 KiB of arguments in a thousand pieces.</summary>
    private const long MaxEventBytes = 1024 * 1024;

    public override byte Number => 12;

    public override string Title => "responses and slow readers exhaust the memory";

    public override IReadOnlyDictionary<string, string> Knobs => new Dictionary<string, string> { ["CHAT_WRITE_TIMEOUT_MS"] = "2000" };

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var process = run.System.Api.Process.Id;
        var before = ProcessCost.ResidentBytes(process);
        var nonReaders = new List<Socket>();
        try
        {
            for (var n = 0; n < NonReaders; n++)
            {
                nonReaders.Add(await OpenUnreadChatAsync(run, n, cancellationToken));
            }

            await LongOutputAsync(run, cancellationToken);
            await LongArgumentsAsync(run, cancellationToken);
            await run.System.Honest.WaitForAsync(12, cancellationToken);
            var growth = ProcessCost.ResidentBytes(process) - before;
            run.Check(growth < MaxGrowthBytes, $"memory grows by less than {MaxGrowthBytes >> 20} MiB", $"{growth / 1024 / 1024} MiB more");
        }
        finally
        {
            nonReaders.ForEach(socket => socket.Dispose());
        }
    }

    private async Task<Socket> OpenUnreadChatAsync(AttackRun run, int n, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(n), cancellationToken);
        var thread = await guest.NewThreadAsync(cancellationToken);
        await guest.AddMessageAsync(thread, "[[emu chunks=400 size=2000 every=1]] read this", cancellationToken);
        var socket = await SourceAddress.ConnectAsync(Address(n), run.System.Api.Address.EndPoint(), cancellationToken);
        socket.ReceiveBufferSize = 4_096;
        var body = JsonSerializer.Serialize(new { threadId = thread, sessionId = guest.Session });
        var request = string.Create(
            CultureInfo.InvariantCulture,
            $"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), cancellationToken);
        return socket;
    }

    /// <summary>The model sends 4 MB. The limit is a million characters.</summary>
    private async Task LongOutputAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(NonReaders), cancellationToken);
        var thread = await guest.NewThreadAsync(cancellationToken);
        await guest.AddMessageAsync(thread, "[[emu chunks=2000 size=2000 every=0]] talk without end", cancellationToken);
        var turn = await guest.ChatAsync(thread, cancellationToken: cancellationToken);
        run.Check(turn.IsComplete, "a turn with too much output ends", turn);
        run.Check(
            turn.Events.Any(
                e => e.GetProperty("type").GetString() == "usage"
                    && e.GetProperty("metrics").GetProperty("finishReason").GetString() == "length"),
            "the finish reason is length");
        var page = await guest.GetAsync($"/api/threads/{thread}/messages", cancellationToken);
        run.Check(page is { Status: 200, Text.Length: < 3_000_000 }, "the thread can be read", page.Status);
    }

    private async Task LongArgumentsAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(NonReaders + 1), cancellationToken);
        var arguments = JsonSerializer.Serialize(new { zone = new string('z', 16 * 1024) });
        var turn = await guest.RunTurnAsync(
            $"[[emu tool=get_current_time args={arguments} tool-split=1000 every=0]]", cancellationToken: cancellationToken);
        run.Check(turn.IsComplete, "a turn with long arguments ends", turn);
        run.Check(turn.Bytes < MaxEventBytes, "the size of the events grows with the arguments and not with their square", turn.Bytes);
    }
}
