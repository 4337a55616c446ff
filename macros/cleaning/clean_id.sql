{% macro clean_id(text, is_clean=false) %}
    {#- An id as text: trimmed, the empty text as null, without the `.0` of a number that was loaded as a float; a
        number in scientific notation in full where all digits are there (see id_lost_digits); a GUID in lower case and
        without braces, since its digits have no case. -#}
    {{- return(adapter.dispatch('clean_id', 'account_mapping')(text if is_clean else account_mapping.clean_text(text))) -}}
{% endmacro %}

{% macro default__clean_id(trimmed) -%}
    {{- account_mapping._engine_lacks('clean_id') -}}
{%- endmacro %}

{% macro duckdb__clean_id(trimmed) -%}
    case
        when length({{ trimmed }}) in (36, 38) and regexp_full_match({{ trimmed }}, '[{(]?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}[)}]?')
            then lower(trim({{ trimmed }}, '{}()'))
        when {{ account_mapping.matches_pattern(trimmed, '^[0-9]([.][0-9]+[eE][+]?|[eE][+])[0-9]{1,2}$') }}
            and not {{ account_mapping.id_lost_digits(trimmed, is_clean=true) }}
            then cast(try_cast({{ trimmed }} as decimal(38, 0)) as varchar)
        else regexp_replace({{ trimmed }}, '^([0-9]+)[.]0+$', '\1')
    end
{%- endmacro %}

{% macro spark__clean_id(trimmed) -%}
    case
        when length({{ trimmed }}) in (36, 38) and {{ account_mapping.matches_pattern(trimmed, '^[{(]?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}[)}]?$') }}
            then lower(btrim({{ trimmed }}, '{}()'))
        when {{ account_mapping.matches_pattern(trimmed, '^[0-9]([.][0-9]+[eE][+]?|[eE][+])[0-9]{1,2}$') }}
            and not {{ account_mapping.id_lost_digits(trimmed, is_clean=true) }}
            then cast(try_cast({{ trimmed }} as decimal(38, 0)) as string)
        else {{ account_mapping._spark_replace(trimmed, '^([0-9]+)[.]0+$', '$1') }}
    end
{%- endmacro %}

{% macro id_lost_digits(text, is_clean=false) %}
    {#- Whether an id is a number in scientific notation that has fewer decimals than its exponent needs: a spreadsheet
        may have cut the others off. -#}
    {{- return(adapter.dispatch('id_lost_digits', 'account_mapping')(text if is_clean else account_mapping.clean_text(text))) -}}
{% endmacro %}

{% macro default__id_lost_digits(trimmed) -%}
    {{- account_mapping._engine_lacks('id_lost_digits') -}}
{%- endmacro %}

{% macro duckdb__id_lost_digits(trimmed) -%}
    case
        when regexp_full_match({{ trimmed }}, '[0-9]([.][0-9]+[eE][+]?|[eE][+])[0-9]{1,2}')
            then length(regexp_extract({{ trimmed }}, '^[0-9][.]?([0-9]*)', 1)) < cast(regexp_extract({{ trimmed }}, '([0-9]{1,2})$', 1) as integer)
        else false
    end
{%- endmacro %}

{% macro spark__id_lost_digits(trimmed) -%}
    case
        when {{ account_mapping.matches_pattern(trimmed, '^[0-9]([.][0-9]+[eE][+]?|[eE][+])[0-9]{1,2}$') }}
            then length(regexp_extract({{ trimmed }}, '^[0-9][.]?([0-9]*)', 1)) < cast(regexp_extract({{ trimmed }}, '([0-9]{1,2})$', 1) as int)
        else false
    end
{%- endmacro %}
