namespace Sendcat.Attacks.Attacks;

/// <summary>Has the model answer what would end an event in its middle: line breaks, half characters, endless and broken JSON.</summary>
internal sealed class BreakingEvents : Attack
{
    private static readonly string[] Prompts =
    [
        """[[emu tool=get_current_time args="{\n  \"zone\": \"Jamaica\"\r\n}" tool-split=9]]""",
        """[[emu tool=get_current_time args="{\"zone\":\r\n\r\ndata: {\"type\":\"error\"}\n\n\"x\"}"]]""",
        """[[emu tool=get_current_time args={"zone":"\ud800"} id="call_\r\n"]]""",
        """[[emu tool=get_current_time args="{\"zone\": \"\u2028\u2029\u0085\"}"]]""",
        """[[emu text="line\r\n\r\ndata: {\"type\":\"done\"}\n\nmore" chunks=5]]""",
        """[[emu reasoning=3 text="a\rb\nc" crlf split-bytes]]""",
        """[[emu finish="stop\n\ndata: x"]]""",
    ];

    public override byte Number => 2;

    public override string Title => "model output breaks every reader's stream";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var attacker = await run.GuestAsync(Address(0), cancellationToken);
        foreach (var prompt in Prompts)
        {
            foreach (var dialect in new[] { "?stream=sendcat", "?stream=ui" })
            {
                var turn = await attacker.AskAsync(prompt, dialect, cancellationToken);
                run.Check(turn.IsWhole, $"a strict client reads the answer to {prompt} ({dialect})", turn);
            }
        }
    }
}
