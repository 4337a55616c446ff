{{ config(materialized='view') }}
{#- The model that reads this one makes the table: a ref would be a circle. Who hands dbt a manifest may have no graph. -#}
{%- set former = namespace(relation=none) -%}
{%- for node in graph.get('nodes', {}).values() if execute and node.name == 'int_account_mapping__fuzzy_pairs' -%}
    {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
    {%- if relation and 'inputs_hash' in adapter.get_columns_in_relation(relation) | map(attribute='name') -%}
        {%- set former.relation = relation -%}
    {%- endif -%}
{%- endfor -%}
with

final as (

    select
        {% if former.relation and not should_full_refresh() -%}
        {{ account_mapping._text_literal(former.relation.render()) }} as former
        {%- else -%}
        cast(null as {{ dbt.type_string() }}) as former
        {%- endif %}

)

select * from final
