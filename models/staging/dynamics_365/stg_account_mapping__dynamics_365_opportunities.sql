{{ config(enabled=account_mapping.uses_crm('dynamics_365')) }}

with

source as (

    {{ account_mapping.stage_table('dynamics_365', 'opportunity') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        source_opportunity_id,
        source_account_id,
        currency_id,
        owner_id,

        ---------- strings
        owner_name,
        deal_name,
        stage,
        stage_code,
        state,
        raw_amount,
        raw_base_amount,
        currency,

        ---------- numerics
        amount,
        base_amount,
        {{ account_mapping.win_probability('probability', 100) }} as probability,

        ---------- booleans
        is_deleted,
        is_current_version,

        ---------- timestamps
        coalesce(actual_close_date, estimated_close_date) as close_date,
        created_date,
        updated_at,
        extracted_at,

        ---------- what could not be read
        row_problem,
        notes

    from source

)

select * from renamed
