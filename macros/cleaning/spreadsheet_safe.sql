{% macro spreadsheet_safe(expression) %}
    {#- Foreign text for people, on one line, with an apostrophe in front where a spreadsheet would run it as a formula:
        where its first sign is one of = + - @, also full-width or small, whatever blanks, invisible characters and
        quotation marks stand before it. The apostrophe is how spreadsheets mark text; one that stands there already is
        enough. Line breaks and tabs become blanks: what follows one is a cell of its own once text is pasted. Never for
        ids, tokens, domains and statuses, which others join by. -#}
    {{- return(adapter.dispatch('spreadsheet_safe', 'account_mapping')(expression)) -}}
{% endmacro %}

{% macro default__spreadsheet_safe(expression) -%}
    {{- account_mapping._engine_lacks('spreadsheet_safe') -}}
{%- endmacro %}

{% macro duckdb__spreadsheet_safe(expression) -%}
    {%- set one_line = "regexp_replace(" ~ expression ~ ", '[\\t\\n\\v\\f\\r\\x{85}\\x{2028}\\x{2029}]+', ' ', 'g')" -%}
    case
        when {{ account_mapping.matches_pattern(one_line, account_mapping._formula_pattern()) }} then '''' || {{ one_line }}
        else {{ one_line }}
    end
{%- endmacro %}

{% macro spark__spreadsheet_safe(expression) -%}
    {%- set one_line = account_mapping._spark_replace(expression, '[\\t\\n\\v\\f\\r\\x{85}\\x{2028}\\x{2029}]+', ' ') -%}
    case
        when {{ account_mapping.matches_pattern(one_line, account_mapping._formula_pattern()) }}
            then {{ account_mapping._text_literal("'") }} || {{ one_line }}
        else {{ one_line }}
    end
{%- endmacro %}

{% macro _formula_pattern() -%}
    {#- The start of a formula, character by character as in int_account_mapping__normalized. -#}
    ^[\x{00}-\x{20}\x22\x60\x{7f}-\x{a0}\x{ab}\x{ad}\x{b4}\x{bb}\x{34f}\x{61c}\x{115f}\x{1160}\x{1680}\x{17b4}\x{17b5}\x{180b}-\x{180f}\x{2000}-\x{200f}\x{2018}-\x{201f}\x{2028}-\x{202f}\x{205f}-\x{206f}\x{2039}\x{203a}\x{2800}\x{3000}\x{300c}-\x{300f}\x{3164}\x{fe00}-\x{fe0f}\x{feff}\x{ff02}\x{ff07}\x{ffa0}\x{fff0}-\x{fffb}\x{e0000}-\x{e0fff}]*[=+@\x{2212}\x{fe62}\x{fe63}\x{fe66}\x{fe6b}\x{ff0b}\x{ff0d}\x{ff1d}\x{ff20}-]
{%- endmacro %}
