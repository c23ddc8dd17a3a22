using System.Reflection;
using System.Reflection.Emit;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Chat;
using Sendcat.Integrations.Tools;
using Sendcat.Monitor.Alerts;
using Sendcat.Reliability.Knobs;
using Sendcat.ToolWorker.Upstreams;

namespace Sendcat.UnitTests.Reliability;

/// <summary>A knob that nothing reads misleads whoever sets it.</summary>
public sealed class KnobUseTests
{
    private static readonly Assembly[] Assemblies =
        [
            typeof(KnobAttribute).Assembly, typeof(QueuedTool).Assembly, typeof(ChatOptions).Assembly, typeof(UpstreamOptions).Assembly,
            typeof(AlertOptions).Assembly,
        ];

    private static readonly Dictionary<short, OpCode> OpCodes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    [Fact]
    public void Every_knob_is_read_by_code_or_marked_as_without_effect()
    {
        var read = Assemblies.SelectMany(assembly => assembly.GetTypes()).Where(type => !IsValidator(type) && type != typeof(Presets))
            .SelectMany(Uses).ToHashSet();
        // The presets read the stage and the tier as knobs, without their options class.
        var knobs = Assemblies.SelectMany(assembly => assembly.GetTypes()).SelectMany(type => type.GetProperties())
            .Select(property => (Property: property, Knob: property.GetCustomAttribute<KnobAttribute>()))
            .Where(it => it.Knob is not null && it.Property.DeclaringType != typeof(RolloutOptions)).ToArray();

        var unread = knobs.Where(
            it => !it.Knob!.WithoutEffect && !read.Contains(KeyOf(it.Property.GetMethod!)) && !read.Contains(it.Knob.Name));

        Assert.True(knobs.Length > 100);
        Assert.Equal([], unread.Select(it => it.Knob!.Name).Order());
    }

    /// <summary>Validators read every property, and prove nothing.</summary>
    private static bool IsValidator(Type type) =>
        type.GetInterfaces().Any(it => it.IsGenericType && it.GetGenericTypeDefinition() == typeof(IValidateOptions<>));

    private static string KeyOf(MethodBase method) => $"{method.Module.ModuleVersionId}:{method.MetadataToken}";

    /// <summary>
    /// The methods that the code of the type calls, and the texts in it: a few knobs are read from the configuration by name.
    /// </summary>
    private static IEnumerable<string> Uses(Type type)
    {
        const BindingFlags All =
            BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        return type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)).SelectMany(Uses);
    }

    private static IEnumerable<string> Uses(MethodBase caller)
    {
        var code = caller.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (var at = 0; at < code.Length;)
        {
            var op = OpCodes[code[at] == 0xFE ? (short)(0xFE00 | code[at + 1]) : code[at]];
            at += op.Size;
            if (op.OperandType == OperandType.InlineMethod)
            {
                yield return KeyOf(caller.Module.ResolveMethod(
                    BitConverter.ToInt32(code, at),
                    caller.DeclaringType?.GetGenericArguments(),
                    caller.IsGenericMethod ? caller.GetGenericArguments() : null)!);
            }
            else if (op.OperandType == OperandType.InlineString)
            {
                yield return caller.Module.ResolveString(BitConverter.ToInt32(code, at));
            }

            at += op.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }
}
