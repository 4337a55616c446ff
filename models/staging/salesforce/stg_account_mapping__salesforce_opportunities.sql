{{ config(enabled=account_mapping.uses_crm('salesforce')) }}

with

source as (

    {{ account_mapping.stage_table('salesforce', 'opportunity') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        source_opportunity_id,
        source_account_id,
        cast(null as {{ dbt.type_string() }}) as merged_source_opportunity_ids,
        owner_id,

        ---------- strings
        owner_name,
        owner_email,
        deal_name,
        stage,
        raw_amount,
        currency,

        ---------- numerics
        amount,
        {{ account_mapping.win_probability('probability', 100) }} as probability,

        ---------- booleans
        -- reports may come without the flags; the name of the stage then tells
        coalesce(
            is_closed,
            case when {{ account_mapping.stage_outcome('stage') }} in ('won', 'lost') then true end
        ) as is_closed,
        coalesce(
            is_won,
            case {{ account_mapping.stage_outcome('stage') }}
                when 'won' then true
                when 'lost' then false
            end
        ) as is_won,
        is_deleted,
        is_current_version,

        ---------- timestamps
        close_date,
        created_date,
        updated_at,
        extracted_at,

        ---------- what could not be read
        row_problem,
        notes

    from source

)

select * from renamed
