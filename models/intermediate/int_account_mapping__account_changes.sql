{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='account_id',
        full_refresh=false,
    )
}}

with

mapped_accounts as (

    select * from {{ ref('int_account_mapping__mapped_accounts') }}

),

{% if is_incremental() -%}
known as (

    select * from {{ this }}

),
{% endif %}
final as (

    -- only what changed is written; a run for an earlier day moves no change back, behind what was pushed already
    select
        mapped_accounts.account_id,
        mapped_accounts.row_hash,
        {% if is_incremental() -%}
        greatest(
            cast({{ account_mapping.as_of() }} as {{ dbt.type_timestamp() }}),
            coalesce(known.changed_at, cast({{ account_mapping.as_of() }} as {{ dbt.type_timestamp() }}))
        ) as changed_at
        {%- else -%}
        cast({{ account_mapping.as_of() }} as {{ dbt.type_timestamp() }}) as changed_at
        {%- endif %}

    from mapped_accounts
    {% if is_incremental() -%}
    left join known
        on mapped_accounts.account_id = known.account_id
    where
        known.account_id is null
        or known.row_hash <> mapped_accounts.row_hash
    {%- endif %}

)

select * from final
