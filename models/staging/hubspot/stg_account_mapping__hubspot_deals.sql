{{ config(enabled=account_mapping.uses_crm('hubspot')) }}

with

source as (

    {{ account_mapping.stage_table('hubspot', 'deal') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        source_opportunity_id,
        merged_source_opportunity_ids,
        primary_source_account_ids,
        source_account_ids,
        pipeline_id,
        owner,

        ---------- strings
        deal_name,
        stage,
        raw_amount,
        currency,

        ---------- numerics
        amount,
        {{ account_mapping.win_probability('probability', 1) }} as probability,

        ---------- booleans
        is_closed,
        is_won,
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
