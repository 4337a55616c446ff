{%- set key = ['account_id'] -%}
{{
    config(
        materialized='incremental',
        incremental_strategy=account_mapping.replace_strategy(),
        unique_key=key,
        full_refresh=false,
        pre_hook="{{ account_mapping.keep_former(this) }}",
        post_hook="{{ account_mapping.drop_former(this) }}",
        database=var('account_mapping__marts_database') or target.get('database'),
    )
}}

with

accounts_with_partners as (

    select * from {{ ref('int_account_mapping__accounts_with_partners') }}

),

{% if is_incremental() -%}
known as (

    select * from {{ account_mapping.former_rows(this) }}

),
{% endif %}
final as (

    -- only what changed is written; a run for an earlier day moves no change back, behind what was pushed already
    select
        accounts_with_partners.account_id,
        accounts_with_partners.row_hash,
        {% if is_incremental() -%}
        greatest(
            cast({{ account_mapping.as_of() }} as {{ dbt.type_timestamp() }}),
            coalesce(known.changed_at, cast({{ account_mapping.as_of() }} as {{ dbt.type_timestamp() }}))
        ) as changed_at
        {%- else -%}
        cast({{ account_mapping.as_of() }} as {{ dbt.type_timestamp() }}) as changed_at
        {%- endif %}

    from accounts_with_partners
    {% if is_incremental() -%}
    left join known
        on accounts_with_partners.account_id = known.account_id
    where
        known.account_id is null
        or known.row_hash <> accounts_with_partners.row_hash
    {%- endif %}

)

{{ account_mapping.with_former('final', key, this) }}
