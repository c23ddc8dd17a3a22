using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Sendcat.Attacks.Callers;
using Sendcat.TestKit.Processes;

namespace Sendcat.Attacks.Attacks;

/// <summary>Never reads what it asked for, and has the model answer without end.</summary>
internal sealed class FilledMemory : Attack
{
    private const int Deaf = 6;
    private const long MostGrowth = 200L * 1024 * 1024;

    /// <summary>Of 16 KiB of arguments in a thousand pieces.</summary>
    private const long MostEvents = 1024 * 1024;

    public override byte Number => 12;

    public override string Title => "answers and readers fill the memory";

    public override IReadOnlyDictionary<string, string> Knobs => new Dictionary<string, string> { ["CHAT_WRITE_TIMEOUT_MS"] = "2000" };

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var process = run.System.Api.Process.Id;
        var before = ProcessCost.ResidentBytes(process);
        var deaf = new List<Socket>();
        try
        {
            for (var n = 0; n < Deaf; n++)
            {
                deaf.Add(await NeverReadAsync(run, n, cancellationToken));
            }

            await EndlessAnswerAsync(run, cancellationToken);
            await ManyArgumentsAsync(run, cancellationToken);
            await run.System.Honest.WaitForAsync(12, cancellationToken);
            var growth = ProcessCost.ResidentBytes(process) - before;
            run.Check(growth < MostGrowth, "memory stays", $"{growth / 1024 / 1024} MiB more");
        }
        finally
        {
            deaf.ForEach(socket => socket.Dispose());
        }
    }

    private async Task<Socket> NeverReadAsync(AttackRun run, int n, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(n), cancellationToken);
        var thread = await guest.NewThreadAsync(cancellationToken);
        await guest.SayAsync(thread, "[[emu chunks=400 size=2000 every=1]] read this", cancellationToken);
        var socket = await Source.ConnectAsync(Address(n), run.System.Api.Address.EndPoint(), cancellationToken);
        socket.ReceiveBufferSize = 4_096;
        var body = JsonSerializer.Serialize(new { threadId = thread, sessionId = guest.Session });
        await socket.SendAsync(Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}")), cancellationToken);
        return socket;
    }

    /// <summary>4 MB; the limit is a million characters.</summary>
    private async Task EndlessAnswerAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(Deaf), cancellationToken);
        var thread = await guest.NewThreadAsync(cancellationToken);
        await guest.SayAsync(thread, "[[emu chunks=2000 size=2000 every=0]] talk without end", cancellationToken);
        var turn = await guest.ChatAsync(thread, cancellationToken: cancellationToken);
        run.Check(turn.IsWhole, "an endless answer is ended", turn);
        run.Check(turn.Events.Any(e => e.GetProperty("type").GetString() == "usage" && e.GetProperty("metrics").GetProperty("finishReason").GetString() == "length"), "it says that it was cut for its length");
        var page = await guest.GetAsync($"/api/threads/{thread}/messages", cancellationToken);
        run.Check(page is { Status: 200, Text.Length: < 3_000_000 }, "its thread can be read", page.Status);
    }

    private async Task ManyArgumentsAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(Deaf + 1), cancellationToken);
        var arguments = JsonSerializer.Serialize(new { zone = new string('z', 16 * 1024) });
        var turn = await guest.AskAsync($"[[emu tool=get_current_time args={arguments} tool-split=1000 every=0]]", cancellationToken: cancellationToken);
        run.Check(turn.IsWhole, "a turn with endless arguments ends", turn);
        run.Check(turn.Bytes < MostEvents, "what is sent grows with the arguments and not with their square", turn.Bytes);
    }
}
