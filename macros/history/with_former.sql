{% macro with_former(rows, key, relation) %}
    {#- What an incremental model of replace_strategy ends with: a select of the rows to write, a CTE's name. -#}
    {{- return(adapter.dispatch('with_former', 'account_mapping')(rows, key, relation)) -}}
{% endmacro %}

{% macro default__with_former(rows, key, relation) -%}
    select * from {{ rows }}
{%- endmacro %}

{% macro spark__with_former(rows, key, relation) -%}
    select * from {{ rows }}
    {%- if is_incremental() %}

    union all

    select former.*
    from {{ account_mapping.former_rows(relation) }} as former
    left anti join {{ rows }} as written
        on
            {% for column in key -%}
            {{ 'and ' if not loop.first }}former.{{ column }} = written.{{ column }}
            {% endfor %}
    {%- endif %}
{%- endmacro %}
