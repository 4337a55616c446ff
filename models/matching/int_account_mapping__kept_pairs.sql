{{ config(materialized='view') }}
{%- set former = account_mapping.former_table('int_account_mapping__fuzzy_pairs', 'inputs_hash') -%}
{%- set name = account_mapping._text_literal(former.render()) if former else 'null' -%}
with

final as (

    select cast({{ name }} as {{ dbt.type_string() }}) as former

)

select * from final
