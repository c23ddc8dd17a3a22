namespace Sendcat.Attacks.Attacks;

/// <summary>
/// Makes the model send output that could split or corrupt an event: line breaks, lone surrogates, incomplete bytes of a character, and
/// invalid JSON.
/// </summary>
internal sealed class MalformedModelOutput : Attack
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

    public override string Title => "model output corrupts the stream of every reader";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var attacker = await run.GuestAsync(Address(0), cancellationToken);
        foreach (var prompt in Prompts)
        {
            foreach (var dialect in new[] { "?stream=sendcat", "?stream=ui" })
            {
                var turn = await attacker.RunTurnAsync(prompt, dialect, cancellationToken);
                run.Check(turn.IsComplete, $"a strict client reads the complete stream of {prompt} ({dialect})", turn);
            }
        }
    }
}
